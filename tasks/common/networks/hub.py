"""Networks on the Hugging Face Hub: one file of tensors with its description, and no code."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    HFValidationError,
    HTTPError,  # of what it asks by, which has changed its name
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
)

from backbone.errors import InputError

WEIGHTS = "weights.safetensors"
PUBLISHED = (WEIGHTS, "README.md", "metrics.json")
NAME = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
ASKED = "hf:OWNER/NAME, or hf:OWNER/NAME@REVISION"


def fetched(name: str) -> Path:
    """The weights of a repository, from the Hub's own cache if they have not changed.

    Nothing else of the repository is fetched.

    Args:
        name: ``hf:OWNER/NAME``, with ``@`` and a branch, tag or commit where it is not ``main``.

    Raises:
        InputError: If there are none, or the Hub cannot be reached.
    """
    named = NAME.fullmatch(name)
    if not named:
        raise InputError(f"{name} names no repository: {ASKED} is needed")
    with explained(name):
        return Path(hf_hub_download(named["repo"], WEIGHTS, revision=named["revision"]))


def upload(folder: Path, name: str, *, private: bool) -> str:
    """Puts a network into a repository of one's own, which is made if it is not there.

    Args:
        folder: With ``PUBLISHED``, of which nothing else is sent.
        name: ``hf:OWNER/NAME``.
        private: Whether a new repository is for its owner alone.

    Returns:
        Where to look at it.

    Raises:
        InputError: If the Hub cannot be reached, or does not allow it.
    """
    named = NAME.fullmatch(name)
    if not named:
        raise InputError(f"{name} names no repository: {ASKED} is needed")
    with explained(name):
        api, revision = HfApi(), named["revision"]
        repo = api.create_repo(named["repo"], private=private, exist_ok=True)
        api.upload_folder(
            repo_id=named["repo"],
            folder_path=folder,
            allow_patterns=list(PUBLISHED),
            revision=revision,
            commit_message=f"A network of {named['repo'].partition('/')[2]}",
        )
    return str(repo)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Says what a user can do about what the Hub says."""
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise InputError(f"{name}: log in first, with `hf auth login`") from error
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{name}: the Hub cannot be reached, and its weights are not in the cache. Fetch "
            f"{WEIGHTS} by hand, and give its path"
        ) from error
    except (HFValidationError, HTTPError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"{name}: the Hub says: {first}") from error

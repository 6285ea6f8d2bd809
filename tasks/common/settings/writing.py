"""Settings as text, as Hydra reads them from a command line."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

# What Hydra takes for a number, a truth value or nothing at all.
OTHER_KINDS = r"null|none|true|false|nan|[+-]?inf|[+-]?\.?\d[\d_]*\.?[\d_]*(e[+-]?\d+)?"
# Settings that name one file or folder, by their last word.
PATHS = (
    *("checkpoint", "init", "resume", "run_dir", "input", "output", "root", "file", "cache"),
    *("images", "table", "cells", "pairs", "pairs_root", "identities", "known", "labels"),
    *("against", "map", "train_images", "train_annotations", "val_images", "val_annotations"),
)
SEVERAL = re.compile(r"\[.*,.*\]")


def written(key: str, value: Any) -> str:
    r"""``key=value``, whatever the value's characters mean to Hydra.

    >>> written("ema_decay", None), written("trainer.devices", 2), written("shuffle", True)
    ('ema_decay=null', 'trainer.devices=2', 'shuffle=true')
    >>> written("data.root", Path("my photos")), written("data.faces", ["a", "b"])
    ('data.root="my photos"', 'data.faces=[a,b]')
    """
    return f"{key}={_value(value)}"


def settings_in(overrides: Iterable[str]) -> dict[str, str]:
    """The settings that a command line names, with the text that each is given.

    >>> settings_in(["task=ssd_coco", "+optim.eps=1e-8"])
    {'task': 'ssd_coco', 'optim.eps': '1e-8'}
    """
    return dict(override.lstrip("+~").partition("=")[::2] for override in overrides)


def path_as_text(argument: str) -> str:
    r"""``key=PATH`` of a command line with the path as it is named, whatever Hydra makes of it.

    Of other settings nothing changes, nor of what is quoted, null, several or refers to another
    setting, unless a file or folder is called so.

    >>> print(path_as_text("input=my photos (1)/[x]"), path_as_text("output=2024_01"))
    input="my photos (1)/[x]" output="2024_01"
    >>> path_as_text("optim.lr=1e-3"), path_as_text("resume=null"), path_as_text("init='a b.ckpt'")
    ('optim.lr=1e-3', 'resume=null', "init='a b.ckpt'")
    """
    key, equals, value = argument.partition("=")
    if not equals or key.lstrip("+").rpartition(".")[2] not in PATHS:
        return argument
    means_more = value in ("", "null") or value[:1] in ("'", '"') or "${" in value
    if (means_more or SEVERAL.fullmatch(value)) and not _is_there(value):
        return argument
    return f"{key}={quoted(_path(value))}"


def unreadable_as_text(argument: str) -> str:
    r"""``key=VALUE`` of a command line, quoted if Hydra cannot read the value as it stands.

    Of a list, each member is. What is quoted already, or refers to other settings, stays.

    >>> print(unreadable_as_text("data.label=naïve"), unreadable_as_text("head.some=[a=b,hat]"))
    data.label="naïve" head.some=["a=b",hat]
    >>> unreadable_as_text("optim.lr=1e-3"), unreadable_as_text("data.classes=['a']")
    ('optim.lr=1e-3', "data.classes=['a']")
    """
    key, equals, value = argument.partition("=")
    if not equals or "${" in value or '"' in value or "'" in value or _is_readable(argument):
        return argument
    if value[0] == "[" and value[-1] == "]":
        members = (member.strip() for member in value[1:-1].split(","))
        return f"{key}=[{','.join(map(quoted, members))}]"
    return f"{key}={quoted(value)}"


def _is_readable(argument: str) -> bool:
    try:
        OverridesParser.create().parse_override(argument)
    except HydraException:
        return False
    return True


def _path(value: str) -> str:
    """A path that begins at home, or whose name is a word of Hydra's, as one that means itself."""
    if value in ("null", "???"):
        return os.path.join(os.curdir, value)
    if value[0] == "~" and not _is_there(value):
        return os.path.expanduser(value)  # of a user there is not, as it stands
    return value


def _is_there(value: str) -> bool:
    try:
        return bool(value) and os.path.lexists(value)
    except ValueError:  # no name can be so
        return False


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_value, value))}]"
    return quoted(str(value)) if isinstance(value, str | Path) else str(value)


def quoted(text: str) -> str:
    r"""Text as Hydra takes it: in quotes where a character would mean something else.

    >>> print(quoted("runs/a/best.ckpt"), quoted("my runs/a (1).ckpt"))
    runs/a/best.ckpt "my runs/a (1).ckpt"
    >>> print(quoted("007"), quoted("true"), quoted("e5"), quoted("1e5"))
    "007" "true" e5 "1e5"
    """
    plain = re.fullmatch(r"[\w/.+@%:-]+", text, re.ASCII)
    if plain and not re.fullmatch(OTHER_KINDS, text, re.IGNORECASE):
        return text
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text).replace("${", r"\${")
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped)
    return f'"{escaped}"'

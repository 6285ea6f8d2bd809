"""Settings as text, as Hydra reads them from a command line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What Hydra takes for a number, a truth value or nothing at all.
OTHER_KINDS = r"null|none|true|false|nan|[+-]?inf|[+-]?\.?\d[\d_]*\.?[\d_]*(e[+-]?\d+)?"


def written(key: str, value: Any) -> str:
    r"""``key=value``, whatever the value's characters mean to Hydra.

    >>> written("ema_decay", None), written("trainer.devices", 2), written("shuffle", True)
    ('ema_decay=null', 'trainer.devices=2', 'shuffle=true')
    >>> written("data.root", Path("my photos")), written("data.faces", ["a", "b"])
    ('data.root="my photos"', 'data.faces=[a,b]')
    """
    return f"{key}={_value(value)}"


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
    return f'"{escaped}"'

"""The reference of commands and options, made of what ``--help`` says and of ``configs``."""

import ast
import re
from pathlib import Path

from tasks.common.console.program import command_names
from tasks.common.console.usage import usage
from tasks.common.settings.configs import CONFIGS, TOOLS
from tasks.common.settings.hints import options_of

COMMANDS = """\
# Commands

What `--help` says of each. With a task, such as `python tools/train.py task=ssd_coco --help`, it
also shows all settings that are in force.
"""
OPTIONS = """\
# Options

What there is to choose, as `group=option` on the command line, and the settings that an option
brings, as `group.setting=value`. A `defaults` list names the options that one builds on.
"""


def commands_page() -> str:
    """A section for each command."""
    return "\n".join([COMMANDS, *map(_command, command_names())])


def options_page() -> str:
    """A section for each group of options, and in it the YAML of each option."""
    return "\n".join([OPTIONS, *map(_group, _groups())])


def _command(name: str) -> str:
    text = (TOOLS / f"{name}.py").read_text(encoding="utf-8")
    description = ast.get_docstring(ast.parse(text)) or ""
    first, _, examples = description.partition("\n")
    said, _, example = first.partition(": python ")
    called = [f"python {example.rstrip('.')}"] * bool(example) + examples.split("\n")
    options, _, settings = usage("", name, []).partition("Settings:\n\n")
    chosen = re.findall(r"^  (\S+)=", options, re.MULTILINE)
    return "\n".join(
        [
            f"## {name}\n\n{said.rstrip('.')}.\n",
            _fenced("bash", "\n".join(line for line in called if line.strip())),
            f"Options: {', '.join(f'[`{each}=`](options.md#{each})' for each in chosen)}.\n"
            if chosen
            else "",
            _fenced("yaml", re.sub(r"\n\nWith \w+=\w+ --help shows.*", "", settings)),
        ]
    )


def _groups() -> list[str]:
    folders = [path.name for path in CONFIGS.iterdir() if path.is_dir()]
    return sorted(group for group in folders if group not in ("published", "tables"))


def _group(group: str) -> str:
    return "\n".join([f"## {group}\n", *(_option(group, name) for name in options_of(group))])


def _option(group: str, name: str) -> str:
    return f"### {group}={name}\n\n" + _fenced("yaml", _text(CONFIGS / group / f"{name}.yaml"))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```\n"

"""The shell commands and the Python of the project's own pages, with the line each stands on.

A comment above a block says what the tests do with it beyond reading its settings::

    <!-- test: run, boxes -->      runs it in a folder that has drawn boxes/
    <!-- test: run -->             runs it in the same folder, after what the page ran before
    <!-- test: skip, REASON -->    leaves it alone
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.commands import ROOT

NOTE = re.compile(r"\s*<!-- test: (run|skip)(?:, (.+))? -->$")
FENCE = re.compile(r"(\s*)```(\w*)")
SHELL = ("bash", "sh", "console")
ENDS = {";", "&&", "||", "|", "&", ">", ">>", "<", "(", ")"}
ASSIGNED = re.compile(r"(\w+)=(.*)", re.DOTALL)


class Block(NamedTuple):
    """Lines of code of a page.

    Attributes:
        path: Of the page.
        line: Number of the first one.
        language: As the fence has it; empty for indented ones.
        lines: Without their indent.
        asked: ``run``, ``skip`` or nothing.
        of: What to draw for it, or why it is left alone.
    """

    path: Path
    line: int
    language: str
    lines: tuple[str, ...]
    asked: str
    of: str

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


class Command(NamedTuple):
    """A command of ours on a page: where it stands, which it is and what it is given."""

    place: str
    tool: str
    arguments: tuple[str, ...]


def pages() -> list[Path]:
    """The pages that tell how to use the project."""
    own = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    return [*own, *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("tasks/*/README.md"))]


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a page, between fences or indented by four."""
    lines = path.read_text(encoding="utf-8").splitlines()
    asked, of, number = "", "", 0
    while number < len(lines):
        line = lines[number]
        if note := NOTE.match(line):
            asked, of = note[1], note[2] or ""
        elif fence := FENCE.match(line):
            end = next(n for n in range(number + 1, len(lines)) if lines[n].strip() == "```")
            inside = tuple(text.removeprefix(fence[1]) for text in lines[number + 1 : end])
            yield Block(path, number + 2, fence[2], inside, asked, of)
            asked, of, number = "", "", end
        elif line.startswith("    "):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            inside = tuple(text[4:] for text in lines[number:end])
            yield Block(path, number + 1, "", inside, asked, of)
            asked, of, number = "", "", end - 1
        number += 1


def commands(block: Block, known: dict[str, str]) -> Iterator[Command]:
    """Our commands in a block of shell.

    Args:
        block: Of a page.
        known: Variables that the page's shell has, to which the block's are added.
    """
    for number, text in _logical_lines(block):
        words: list[str] = []
        for word in [*_words(text, known), ";"]:
            if word not in ENDS:
                words.append(word)
                continue
            if len(words) == 1 and (assigned := ASSIGNED.fullmatch(words[0])):
                known[assigned[1]] = assigned[2]
            elif found := _ours(words):
                yield Command(f"{block.path.relative_to(ROOT)}:{number}", *found)
            words = []


def _ours(words: list[str]) -> tuple[str, tuple[str, ...]] | None:
    """The command that words call, and its arguments."""
    for place, word in enumerate(words):
        if script := re.search(r"(?:^|/)tools/(\w+)\.py$", word):
            return script[1], tuple(words[place + 1 :])
        if word == "mobilenet" and place == 0 and words[1:]:
            return words[1], tuple(words[2:])
    return None


def _logical_lines(block: Block) -> Iterator[tuple[int, str]]:
    """Lines of shell with what they go on to: after a backslash, and within quotes."""
    begun, start = "", block.line
    for number, line in enumerate(block.lines, block.line):
        text = line.strip().removeprefix("$ ")
        start = start if begun else number
        begun = f"{begun} {text}" if begun else text
        if begun.endswith("\\"):
            begun = begun[:-1].rstrip()
        elif begun.count('"') % 2 == 0:
            yield start, begun
            begun = ""


def _words(text: str, known: dict[str, str]) -> list[str]:
    """What a shell makes of a line, with the variables that are known."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for word in lexer:
            if word.startswith("#"):
                break
            words += known.get(word[1:], "").split() if re.fullmatch(r"\$\w+", word) else [word]
    except ValueError:  # not of a shell: an indented sketch with an apostrophe
        return []
    return words


def page_commands(path: Path) -> Iterator[Command]:
    """Our commands on a page that are not left alone, also those within its sentences."""
    known: dict[str, str] = {}
    for block in blocks(path):
        if block.asked != "skip" and block.language in ("", *SHELL):
            yield from commands(block, known)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for quoted in re.findall(r"`((?:python tools/|mobilenet )[^`]+)`", line):
            if "=" in quoted:  # or it is the name of a program, not what to type
                yield from commands(Block(path, number, "sh", (quoted,), "", ""), {})

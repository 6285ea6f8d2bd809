"""Pages of the site that are not files of ``docs``, and links that hold in both.

The README, CONTRIBUTING, CHANGELOG and each task's README become pages as they are; the reference
of commands and options is made of what ``--help`` says and of ``configs``.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from command_reference import commands_page, options_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
ELSEWHERE = {  # of the site, and where they are in the project
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    **{
        f"tasks/{path.parent.name}.md": path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.glob("tasks/*/README.md"))
    },
}
MADE = {"reference/commands.md": commands_page, "reference/options.md": options_page}
PLACES = {place: page for page, place in ELSEWHERE.items()}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> None:
    """Puts all pages that an entry with a star stands for into the navigation."""
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    config.nav = _expanded(config.nav, sorted([*pages, *ELSEWHERE]))


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages that come from elsewhere, and those that are made."""
    for page, place in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / place)))
    for page, make in MADE.items():
        files.append(File.generated(config, page, content=make()))


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Turns links between files of the project into links between pages."""
    uri = page.file.src_uri
    folder = PurePosixPath(ELSEWHERE.get(uri, f"docs/{uri}")).parent

    def turned(link: re.Match[str]) -> str:
        picture, text, target, anchor = link.groups(default="")
        place = normpath(folder / target)
        if not (ROOT / place).exists():
            return link[0]  # to another host, or wrong, which the build then says
        there = PLACES.get(place, place.removeprefix("docs/"))
        if place in PLACES or files.get_file_from_path(there):
            start = str(PurePosixPath(uri).parent)
            return f"{picture}[{text}]({relpath(there, start)}{anchor})"
        return text  # a folder or a module, which the site does not have

    return LINK.sub(turned, markdown)


def _expanded(entries: list[Any], pages: list[str]) -> list[Any]:
    return [each for entry in entries for each in _stands_for(entry, pages)]


def _stands_for(entry: Any, pages: list[str]) -> Iterator[Any]:
    if isinstance(entry, dict):
        yield {
            title: _expanded(below, pages) if isinstance(below, list) else below
            for title, below in entry.items()
        }
    elif "*" in entry:
        yield from (page for page in pages if fnmatch(page, entry))
    else:
        yield entry

"""What the page answers when its user does something, without a thought of how it is laid out."""

import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from backbone.errors import check_number
from tasks.api import Model
from tasks.app.looking import Looked, kept, look, shown
from tasks.app.markup import bars, figure, files, page, table
from tasks.app.models import Models
from tasks.app.photos import Uploads
from tasks.app.shelf import Shelf
from tasks.app.takeaway import command, records
from tasks.common.showing.finding import find_view
from tasks.common.showing.view import Bound, Limits

ROOM = 256 * 2**20  # for what was found and can be drawn anew, of all users together


class Answer(NamedTuple):
    """What a tab shows after a look.

    Attributes:
        title: Of the tab.
        bound: Its slider.
        classes: Its filter; none where it has none.
        html: What was found.
        command: That does the same.
        key: To see more or less of it.
    """

    title: str
    bound: Bound
    classes: Sequence[str]
    html: str
    command: str
    key: str


class Answers:
    """Answers with the networks that there are.

    Args:
        models: These.
        folder: That uploads are in.
    """

    def __init__(self, models: Models, folder: Path) -> None:
        self.models = models
        self.uploads = Uploads(folder)
        self._looked: Shelf[Looked] = Shelf(ROOM, "This is no longer kept here: look again")

    def look(self, name: str, paths: Sequence[str], known: Sequence[str]) -> Answer:
        """Looks at uploaded photos and films.

        Args:
            name: The network's path, as text.
            paths: Where the uploads are.
            known: Likewise of photos of people, which are called by their names.

        Raises:
            InputError: If there is no such network, or a file cannot be read.
        """
        uploads = [self.uploads.take(path) for path in paths]
        people: dict[str, list[Any]] = {}
        for upload in map(self.uploads.take, known):
            people.setdefault(person(upload.name), []).append(upload)
        model, source = self.models.load(name), self.models.named(name)
        view = find_view(model.network.config)
        looked = look(model, source, uploads, people if view.knows_people else None)
        self._looked.put(key := uuid.uuid4().hex, looked, looked.size)
        bound = view.bound(model.network)
        html, said = drawn(looked, model, Limits(bound.start))
        return Answer(view.title, bound, model.names if view.has_classes else (), html, said, key)

    def again(self, key: str, limits: Limits) -> tuple[str, str]:
        """The HTML and the command of what was found before, within other limits.

        Raises:
            InputError: If it is no longer kept.
        """
        looked = self._looked.get(key)
        return drawn(looked, self.models.load(str(looked.source.path)), limits)

    def entries(self, name: str, path: str, min_score: float) -> list[Mapping[str, Any]]:
        """What is in a photo, as ``predictions.json`` has it.

        Args:
            name: The network's path, as text; empty for the first one of the list.
            path: Where the upload is.
            min_score: What scores lower is left out; of people, the largest distance.

        Raises:
            InputError: If there is no such network, or the file cannot be read.
        """
        check_number("min_score", min_score, at_least=0)
        if not name:
            listed = self.models.list()
            name = str(listed[0].path) if listed else ""
        upload = self.uploads.take(path)
        model = self.models.load(name)
        looked = look(model, self.models.named(name), [upload])
        view = find_view(model.network.config)
        return list(kept(looked, view, Limits(min_score)))


def drawn(looked: Looked, model: Model, limits: Limits) -> tuple[str, str]:
    """What was found as HTML, with files to take away, and the command that does the same."""
    figures = [
        figure(one.name, one.picture, bars(one.bars), table(one.rows))
        for one in shown(looked, model, limits)
    ]
    return page(*figures, files(records(looked, model, limits))), command(looked, model, limits)


def person(file: str) -> str:
    """Whose photo a file is.

    >>> person("ann.jpg"), person("ann 2.jpg"), person("Bob_Ray_0001.png")
    ('ann', 'ann', 'Bob_Ray')
    """
    stem = Path(file).stem
    return re.sub(r"[ _-]*\d+$", "", stem) or stem

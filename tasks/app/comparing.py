"""Two networks on the same photo."""

from collections.abc import Sequence

from tasks.app.looking import look, milliseconds, shown
from tasks.app.markup import bars, figure, side_by_side, table
from tasks.app.models import Models
from tasks.app.photos import Upload
from tasks.common.showing.finding import find_view
from tasks.common.showing.view import Limits


def compared(models: Models, names: Sequence[str], uploads: Sequence[Upload]) -> str:
    """What each network finds in the first photo, and how long it takes, as HTML.

    Args:
        models: Of these.
        names: The paths of the networks, as text.
        uploads: The photos.

    Raises:
        InputError: If there is no photo or network, or one cannot be read.
    """
    parts = []
    for name in names:
        model, source = models.load(name), models.named(name)
        looked = look(model, source, uploads[:1])  # which warms it up, too
        took = milliseconds(model, uploads[0])
        limits = Limits(find_view(model.network.config).bound(model.network).start)
        (first, *_) = shown(looked, model, limits)
        title = f"{source.label}: {took:.0f} ms a photo"
        parts.append(figure(title, first.picture, bars(first.bars), table(first.rows)))
    return side_by_side(parts)

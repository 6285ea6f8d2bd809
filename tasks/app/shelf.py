"""What the page remembers between two clicks: in memory only, and so much at most."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

from backbone.errors import InputError

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things by key; where there is no more room, the one goes that was longest unused.

    Args:
        room: Bytes.
        gone: What to say of a thing that is no longer there.
    """

    def __init__(self, room: int, gone: str) -> None:
        self.room = room
        self.gone = gone
        self.used = 0
        self._things: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def put(self, key: str, thing: T, size: int) -> None:
        """Keeps a thing of so many bytes, in the place of what had its key."""
        with self._lock:
            self._take_away(key)
            self._things[key] = thing, size
            self.used += size
            while self.used > self.room and len(self._things) > 1:
                self._take_away(next(iter(self._things)))

    def get(self, key: str) -> T:
        """The thing of a key.

        Raises:
            InputError: If it is gone.
        """
        with self._lock:
            if key not in self._things:
                raise InputError(self.gone)
            self._things.move_to_end(key)
            return self._things[key][0]

    def _take_away(self, key: str) -> None:
        if key in self._things:
            self.used -= self._things.pop(key)[1]

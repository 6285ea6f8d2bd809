"""What tests of a served page have in common."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.small_page import served_page


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where the page is served that lists the networks in a test's folder."""
    with served_page(folder) as address:
        yield address

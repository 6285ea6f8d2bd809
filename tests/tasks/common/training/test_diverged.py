"""A training that diverges names its photos."""

from tasks.common.training.diverged import DivergedError


def test_ids_and_files_are_named() -> None:
    photos = [(1, "/train2017/0001.jpg"), ("cat/a.jpg", "/photos/cat/a.jpg")]
    error = DivergedError(photos, {"loss": float("nan")})
    assert "a batch of 1 (/train2017/0001.jpg), /photos/cat/a.jpg" in str(error)
    assert error.ids == [1, "cat/a.jpg"] and error.files[0] == "/train2017/0001.jpg"

import pytest
import torch

from backbone.errors import InputError
from tasks.common.training.checkpoints import AtomicCheckpointIO, Checkpoints

CONTENT = {
    "state_dict": {"weight": torch.ones(3)},
    "description": {"backbone": {"name": "tiny"}, "image_size": 64},
}


def test_round_trip(tmp_path):
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(CONTENT, path)
    assert torch.equal(
        AtomicCheckpointIO().load_checkpoint(path)["state_dict"]["weight"], torch.ones(3)
    )


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("failed writing")]
)
def test_a_failed_write_leaves_the_previous_checkpoint(tmp_path, monkeypatch, error):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(CONTENT, path)
    before = path.read_bytes()

    def fail(_, file):
        file.write_bytes(b"half a checkp")
        raise error

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(InputError, match=r"Could not write .*last\.ckpt"):
        AtomicCheckpointIO().save_checkpoint(CONTENT, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_as_such():
    # the real thing: torch reports it as a RuntimeError of its own
    with pytest.raises((OSError, RuntimeError)):
        torch.save(torch.zeros(1000), "/dev/full")


def test_leftovers_of_killed_processes_are_deleted(tmp_path):
    for name in (".last.ckpt.ab12", ".best.ckpt.cd34", "last.ckpt", "mine.ckpt"):
        (tmp_path / name).touch()
    Checkpoints(folder=tmp_path, monitor="val/map", every_steps=None)._remove_leftovers()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "mine.ckpt"]

"""The loader factory, over data of which each sample is its own place."""

import pytest
import torch

from tasks.common.data.module import DataModule


class Places(DataModule):
    default_image_size = 8

    def __init__(self, num_samples, *, batch_size=4, num_workers=0):
        super().__init__(batch_size=batch_size, num_workers=num_workers, image_size=None, seed=1)
        self.num_samples = num_samples

    def __len__(self):
        return self.num_samples

    def __getitem__(self, place):
        return {"place": place}

    @property
    def train_set(self):
        return self

    val_set = train_set

    def collate(self, samples):
        return [sample["place"] for sample in samples]

    predict_set = val_photo = None


Places.__abstractmethods__ = frozenset()


def test_worker_processes_do_not_change_the_batches():
    assert list(Places(11).train_dataloader()) == list(Places(11, num_workers=2).train_dataloader())


def test_incomplete_batches_are_dropped_from_training_only():
    assert [len(batch) for batch in Places(11).train_dataloader()] == [4, 4]
    assert [len(batch) for batch in Places(11).val_dataloader()] == [4, 4, 3]
    assert [len(batch) for batch in Places(3).train_dataloader()] == [3]  # or nothing would be left


@pytest.mark.parametrize("num_workers", [0, 2])
def test_goes_on_with_the_next_batch(num_workers):
    through = Places(16, num_workers=num_workers)
    resumed = Places(16, num_workers=num_workers)
    resumed.resume_at = {"epoch": 0, "batches": 3}
    assert list(resumed.train_dataloader()) == list(through.train_dataloader())[3:]


def test_loaders_leave_the_global_generator_alone():
    state = torch.get_rng_state()
    list(Places(8, num_workers=2).train_dataloader())
    assert torch.equal(torch.get_rng_state(), state)

"""Warnings of libraries about which a user can do nothing."""

import warnings

ADVICE = (
    ".*does not have many workers.*",
    ".*num_workers.*",
    ".*smaller than the logging interval.*",
    ".*[dD]ata[lL]oader is not resumable.*",
    ".*sync_dist=True.*",
    ".*broadcast_buffers. is deprecated.*",  # its successor is not in torch 2.11
    ".*isinstance.treespec, LeafSpec.*",
    ".*predict returned None.*",  # a batch without a readable photo
    ".*module.s. in eval mode at the start.*",  # batch norm that is to stay frozen
)


def ignore_advice() -> None:
    """Keeps them out of what a command says."""
    for pattern in ADVICE:
        warnings.filterwarnings("ignore", pattern)

"""What libraries say of themselves, about which a user can do nothing."""

import logging
import warnings

TALKATIVE = (
    "faiss",
    "faster_coco_eval",
    "httpx",
    "lightning.fabric",
    "lightning.pytorch.trainer.connectors.checkpoint_connector",
    "lightning.pytorch.tuner",
    "lightning.pytorch.utilities.rank_zero",
    "onnx_ir",
    "onnxscript",
)

ADVICE = (
    ".*does not have many workers.*",
    ".*num_workers.*",
    ".*worker processes in total.*",
    ".*smaller than the logging interval.*",
    ".*[dD]ata[lL]oader is not resumable.*",
    ".*sync_dist=True.*",
    ".*broadcast_buffers. is deprecated.*",  # its successor is not in torch 2.11
    ".*isinstance.treespec, LeafSpec.*",
    ".*predict returned None.*",  # a batch without a readable photo
    ".*module.s. in eval mode at the start.*",  # batch norm that is to stay frozen
)


def ignore_advice() -> None:
    """Keeps it out of what a command says."""
    for library in TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
    for pattern in ADVICE:
        warnings.filterwarnings("ignore", pattern)

"""Trains torchvision's small detector beside ours: python tools/peer.py data=voc data.root=DIR."""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.detection.bench.peer_training import train_ssdlite


@command("peer")
def main(config: DictConfig) -> None:
    metrics = train_ssdlite(config)
    print(f"val/map {metrics['val/map']:.4f}  val/map_50 {metrics['val/map_50']:.4f}")


if __name__ == "__main__":
    main()

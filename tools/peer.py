"""Trains torchvision's small detector beside ours: python tools/peer.py data=voc data.root=DIR."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("peer")
def main(request: Request) -> None:
    from tasks.detection.bench.peer_training import train_ssdlite

    metrics = train_ssdlite(request)
    print(f"val/map {metrics['val/map']:.4f}  val/map_50 {metrics['val/map_50']:.4f}")


if __name__ == "__main__":
    main()

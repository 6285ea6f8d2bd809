"""Names the faces in photos by those of known people; without arguments, learns drawn faces first.

python tools/demo_facenet_distill.py
python tools/demo_facenet_distill.py checkpoint=FILE input=PATH known=DIR output=DIR
python tools/demo_facenet_distill.py checkpoint=FILE input=PATH output=DIR
"""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.demo import demonstrate
from tasks.face_embedding.recognition import recognise


@command("demo_facenet_distill")
def main(config: DictConfig) -> None:
    print(f"Pictures: {recognise(config) if config.known else demonstrate(config)}")


if __name__ == "__main__":
    main()

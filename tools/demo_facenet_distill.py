"""Names the faces in photos by those of known people; without arguments, learns drawn faces first.

python tools/demo_facenet_distill.py
python tools/demo_facenet_distill.py checkpoint=FILE input=PATH known=DIR output=DIR
python tools/demo_facenet_distill.py checkpoint=FILE input=PATH output=DIR
python tools/demo_facenet_distill.py teacher=onnx teacher.file=FILE input=PATH known=DIR output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_facenet_distill")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate
    from tasks.face_embedding.recognition import recognise

    print(f"Pictures: {recognise(request) if request.config.known else demonstrate(request)}")


if __name__ == "__main__":
    main()

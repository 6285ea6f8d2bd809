"""Predicts on photos and films.

python tools/predict.py checkpoint=FILE input=PATH output=DIR
python tools/predict.py exported=DIR input=PATH output=DIR
python tools/predict.py task=facenet_distill teacher=onnx teacher.file=FILE input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("predict")
def main(request: Request) -> None:
    from tasks.common.commands.predict import predict

    predict(request)


if __name__ == "__main__":
    main()

"""What programs ask the page over HTTP: what is in a photo."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from backbone.errors import InputError
from tasks.app.answers import Answers
from tasks.app.components import files_input
from tasks.app.events import ONE_BY_ONE

NAME = "look"
ABOUT = "What predictions.json says of a photo, by a network of the list or the first one of it."


def offer(answers: Answers) -> None:
    """Offers ``/look``, within ``gr.Blocks``."""

    def look(photo: list[str], model: str, min_score: float) -> list[Mapping[str, Any]]:
        try:
            if not photo:
                raise InputError("photo: give a file")
            return answers.entries(model, photo[0], min_score)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error

    photo = files_input(visible=False, label="photo", file_count="single")
    model = gr.Textbox("", visible=False, label="model")
    min_score = gr.Number(0, visible=False, label="min_score")
    found = gr.JSON(visible=False, label="entries")
    gr.Button(visible=False).click(
        look,
        [photo, model, min_score],
        found,
        api_name=NAME,
        api_description=ABOUT,
        **ONE_BY_ONE,
    )

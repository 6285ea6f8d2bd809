"""How a page shows how bright a photo is."""

from tasks.common.predictions.entries import Entry
from tasks.common.showing.view import View


class BrightnessView(View):
    """A bar as long as the photo is bright."""

    title = "Brightness"

    def bars(self, entry: Entry) -> dict[str, float]:
        return {"brightness": entry["brightness"]}


view = BrightnessView()

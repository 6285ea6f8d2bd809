"""How a page shows what is found where."""

from tasks.common.showing.view import View


class DetectionView(View):
    """Boxes or masks on the photo, and a row for each."""

    title = "Detect"


view = DetectionView()

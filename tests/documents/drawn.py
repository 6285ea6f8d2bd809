"""What the pages' commands find on the machine of whoever has it: small photos, labelled."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.photo_files import write_photos
from tests.small_data import write_weights
from tests.tasks.classification.classifiers import write_classifier
from tests.tasks.classification.folders import write_classes
from tests.tasks.common.predictions.test_films import write_film
from tests.tasks.face_embedding.drawn import FOUND, photo_of, write_people

NUM_PHOTOS = 10
CLASSIFIER, DETECTOR = "mobilenet_1.0_224", "ssd_mobilenet_0.75_coco"  # that pages start from


def boxes(folder: Path) -> None:
    """YOLO's text files beside photos in ``boxes``, and photos and a film to look at."""
    names = [f"{number}.jpg" for number in range(NUM_PHOTOS)]
    write_photos(folder / "boxes", names, size=(80, 60))
    (folder / "boxes" / "classes.txt").write_text("disc\nsquare\n")
    for number, name in enumerate(names):
        label = f"{number % 2} 0.4 0.5 0.5 0.4\n"
        (folder / "boxes" / name).with_suffix(".txt").write_text(label)
    _to_look_at(folder)


def classes(folder: Path) -> None:
    """Folders of classes in ``classes``, and photos to look at."""
    write_classes(folder / "classes", {"cat": NUM_PHOTOS, "dog": NUM_PHOTOS})
    _to_look_at(folder)


def faces(folder: Path) -> None:
    """People with pairs, a table of what faces show, and photos of faces to look at."""
    write_people(folder)
    rows = []
    (folder / "faces" / "photos").mkdir(parents=True)
    for number in range(8):
        name = f"photos/{number}.png"
        photo_of(number).save(folder / "faces" / name)
        rows.append(f"{name},{number % 2},{number % 3 // 2}")
    (folder / "faces" / "labels.csv").write_text("\n".join(["file,hat,glasses", *rows]) + "\n")
    (folder / "photos").mkdir()
    for name, person in FOUND.items():
        photo_of(person).save(folder / "photos" / f"{name}.png")


def places(folder: Path) -> None:
    """Photos in ``album`` whose Exif says where they were taken, and photos to look at."""
    (folder / "album").mkdir()
    for number in range(2 * NUM_PHOTOS):
        exif = Image.Exif()
        exif[0x8825] = {1: "N", 2: (4.0 * (number // 2), 0.0, 0.0), 3: "E", 4: (3.0, 0.0, 0.0)}
        Image.new("RGB", (40, 40), (9 * number, 90, 90)).save(
            folder / "album" / f"{number}.jpg", exif=exif
        )
    _to_look_at(folder)


def weights(cache: Path) -> None:
    """Small networks under the names of published ones, where these would have been fetched to."""
    cache.mkdir()
    write_classifier(cache / f"{CLASSIFIER}.safetensors")
    write_weights(cache / f"{DETECTOR}.safetensors")


def _to_look_at(folder: Path) -> None:
    write_photos(folder / "photos", ["a.jpg", "b.jpg", "c.jpg"])
    write_photos(folder, ["photo.jpg"])
    write_film(folder / "clip.mp4")


DRAWN: dict[str, Callable[[Path], None]] = {
    each.__name__: each for each in (boxes, classes, faces, places)
}

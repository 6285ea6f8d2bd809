"""Writes the scenes as labelling tools of one form each do."""

import csv
import json
from pathlib import Path

from tests.tasks.detection.scenes import (
    DIVIDED,
    SCENES,
    Scene,
    dump,
    photos,
    put,
)


def cvat(root: Path) -> None:
    """CVAT for images 1.1; a polygon and a mask among the boxes."""
    photos(root / "images", SCENES)
    images = []
    for number, scene in enumerate(SCENES):
        shapes = []
        for index, (name, x0, y0, x1, y1) in enumerate(scene.boxes):
            if number == 1 and index == 0:
                points = f"{x0},{y0};{x1},{y0};{x1}.0,{y1}.0;{x0},{y1}"
                shapes.append(f'<polygon label="{name}" points="{points}" z_order="0"/>')
            elif number == 1:
                width, height = x1 - x0, y1 - y0
                shapes.append(
                    f'<mask label="{name}" rle="0, {width * height}" left="{x0}" top="{y0}" '
                    f'width="{width}" height="{height}"/>'
                )
            else:
                shapes.append(
                    f'<box label="{name}" occluded="0" xtl="{x0}.00" ytl="{y0}.00" xbr="{x1}.00" '
                    f'ybr="{y1}.00"><attribute name="a">b</attribute></box>'
                )
        width, height = scene.size
        images.append(
            f'<image id="{number}" name="{scene.name}.jpg" width="{width}" height="{height}">'
            f"{''.join(shapes)}</image>"
        )
    put(root / "annotations.xml", f"<annotations><version>1.1</version>{''.join(images)}"
        "</annotations>")  # fmt: skip


def label_studio(root: Path) -> None:
    """Its own JSON, in percent."""
    photos(root / "images", SCENES, prefix="0a1b2c3d-")
    tasks = []
    for number, scene in enumerate(SCENES):
        (width, height), results = scene.size, []
        for name, x0, y0, x1, y1 in scene.boxes:
            value = {"x": x0 / width * 100, "y": y0 / height * 100, "rotation": 0}
            value |= {"width": (x1 - x0) / width * 100, "height": (y1 - y0) / height * 100}
            results.append(
                {
                    "original_width": width,
                    "original_height": height,
                    "type": "rectanglelabels",
                    "value": value | {"rectanglelabels": [name]},
                }
            )
        url = f"/data/upload/1/0a1b2c3d-{scene.name.replace(' ', '%20')}.jpg?x=1"
        if number % 2:
            url = f"/data/upload/1/0a1b2c3d-{scene.name}.jpg"
        cancelled = {"was_cancelled": True, "result": []}
        annotations = [{"was_cancelled": False, "result": results}, cancelled]
        tasks.append({"id": number, "data": {"image": url}, "annotations": annotations})
    tasks.append({"id": 99, "data": {"image": "/data/upload/1/x.jpg"}, "annotations": []})
    dump(root / "project-1.json", tasks)


def labelme(root: Path) -> None:
    """A JSON beside each photo, none for one without objects; a box drawn from its end."""
    photos(root, SCENES)
    for scene in SCENES:
        shapes = [
            {"label": name, "points": [[x1, y1], [x0, y0]], "shape_type": "rectangle", "flags": {}}
            for name, x0, y0, x1, y1 in scene.boxes
        ]
        width, height = scene.size
        content = {"version": "5.2.1", "flags": {}, "shapes": shapes, "imageData": None}
        content |= {"imagePath": f"{scene.name}.jpg", "imageHeight": height, "imageWidth": width}
        if shapes:
            dump(root / f"{scene.name}.json", content, indent=2)


def via_entries(scenes: list[Scene], *, as_list: bool) -> dict:
    """The entries of its JSON; boxes, and every other one a polygon."""
    entries = {}
    for scene in scenes:
        regions = []
        for index, (name, x0, y0, x1, y1) in enumerate(scene.boxes):
            shape = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
            if index % 2:
                xs, ys = [x0, x1, x1, x0], [y0, y0, y1, y1]
                shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
            regions.append({"shape_attributes": shape, "region_attributes": {"kind": name}})
        entries[f"{scene.name}.jpg123"] = {
            "filename": f"{scene.name}.jpg",
            "size": 123,
            "regions": regions if as_list else {str(n): r for n, r in enumerate(regions)},
            "file_attributes": {},
        }
    return entries


def via(root: Path) -> None:
    """A project of VIA 2."""
    photos(root, SCENES)
    metadata = via_entries(SCENES, as_list=True)
    dump(root / "via_project.json", {"_via_settings": {}, "_via_img_metadata": metadata})


def via_regions(root: Path) -> None:
    """Regions of VIA 1, a file for each split beside its photos."""
    for split, scenes in DIVIDED.items():
        photos(root / split, scenes)
        dump(root / split / "via_region_data.json", via_entries(scenes, as_list=False))


def via_table(root: Path) -> None:
    """Its CSV."""
    photos(root, SCENES)
    with (root / "via_export_csv.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "file_size", "file_attributes", "region_count", "region_id",
                         "region_shape_attributes", "region_attributes"])  # fmt: skip
        for entry in via_entries(SCENES, as_list=True).values():
            regions = entry["regions"] or [{"shape_attributes": {}, "region_attributes": {}}]
            for number, region in enumerate(regions):
                shape = json.dumps(region["shape_attributes"])
                attributes = json.dumps(region["region_attributes"])
                writer.writerow([entry["filename"], 123, "{}", len(entry["regions"]), number,
                                 shape, attributes])  # fmt: skip


def table(root: Path) -> None:
    """TensorFlow's table: a file a split, with sizes, semicolons and a byte order mark."""
    photos(root / "images", SCENES)
    for split, scenes in DIVIDED.items():
        rows = ["filename;width;height;class;xmin;ymin;xmax;ymax"]
        for scene in scenes:
            width, height = scene.size
            for name, *corners in scene.boxes:
                rows.append(
                    ";".join(map(str, [f"{scene.name}.jpg", width, height, name, *corners]))
                )
            if not scene.boxes:
                rows.append(f"{scene.name}.jpg;{width};{height};;;;;")
        put(root / f"{split}_labels.csv", "\n".join(rows), "utf-8-sig")


def table_without_heading(root: Path) -> None:
    """Keras RetinaNet's: path, corners, class; a photo without objects has a bare row."""
    photos(root, SCENES)
    rows = []
    for scene in SCENES:
        rows += [f"{scene.name}.jpg,{x0},{y0},{x1},{y1},{n}" for n, x0, y0, x1, y1 in scene.boxes]
        rows += [] if scene.boxes else [f"{scene.name}.jpg,,,,,"]
    put(root / "annotations.csv", "\n".join(rows) + "\n")


def createml(root: Path) -> None:
    """CreateML's JSON."""
    photos(root, SCENES)
    entries = [
        {
            "image": f"{scene.name}.jpg",
            "annotations": [
                {"label": name, "coordinates": {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2,
                                                "width": x1 - x0, "height": y1 - y0}}
                for name, x0, y0, x1, y1 in scene.boxes
            ],
        }
        for scene in SCENES
    ]  # fmt: skip
    dump(root / "_annotations.createml.json", entries)

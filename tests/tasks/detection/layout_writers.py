"""Writes the same scenes as each labelling tool does."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

CLASSES = ("disc", "traffic light")


class Scene(NamedTuple):
    """A photo and the boxes on it: class, x0, y0, x1, y1."""

    name: str
    size: tuple[int, int]
    boxes: tuple[tuple[str, int, int, int, int], ...]


SCENES = [
    Scene(f"scene {n}", (80 + 8 * n, 60), boxes)
    for n, boxes in enumerate(
        [
            (("disc", 10, 12, 30, 40),),
            (("traffic light", 4, 5, 44, 55), ("disc", 50, 20, 61, 37)),
            (),
            (("disc", 0, 0, 20, 20), ("traffic light", 30, 10, 104, 60)),
            (("disc", 11, 13, 33, 43),),
            (("traffic light", 7, 9, 71, 51),),
            (("disc", 21, 12, 38, 40), ("disc", 40, 2, 60, 33)),
            (("traffic light", 17, 19, 71, 51),),
        ]
    )
]
TRAIN, VAL = SCENES[:6], SCENES[6:]
DIVIDED = {"train": TRAIN, "val": VAL}


def photos(folder: Path, scenes: list[Scene], *, prefix: str = "", suffix: str = ".jpg") -> None:
    """Writes the photos, each of its own grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        shade = 20 * SCENES.index(scene)
        Image.new("RGB", scene.size, (shade, shade, shade)).save(
            folder / f"{prefix}{scene.name}{suffix}", format="JPEG"
        )


def dump(path: Path, content: object, **options: object) -> None:
    """Writes JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, **options), encoding="utf-8")


def put(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Writes text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)


def coco_of(scenes: list[Scene], *, prefix: str = "", first: int = 1) -> dict:
    """COCO's sections."""
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": CLASSES.index(name) + first,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": (x1 - x0) * (y1 - y0),
            "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
            "iscrowd": 0,
        }
        for number, (image, (name, x0, y0, x1, y1)) in enumerate(
            (pair for image, scene in enumerate(scenes, 1) for pair in
             ((image, box) for box in scene.boxes)), 1
        )
    ]  # fmt: skip
    images = [
        {"id": number, "file_name": f"{prefix}{scene.name}.jpg"}
        | {"width": scene.size[0], "height": scene.size[1]}
        for number, scene in enumerate(scenes, 1)
    ]
    names = [{"id": first + n, "name": name, "supercategory": ""} for n, name in enumerate(CLASSES)]
    return {"images": images, "annotations": annotations, "categories": names}


def coco(root: Path) -> None:
    """As the set itself has it."""
    for split, scenes in DIVIDED.items():
        photos(root / f"{split}2017", scenes)
        dump(root / "annotations" / f"instances_{split}2017.json", coco_of(scenes))
        dump(root / "annotations" / f"captions_{split}2017.json", {"images": [], "annotations": []})


def coco_beside(root: Path) -> None:
    """One JSON of any name beside its photos."""
    photos(root, SCENES)
    dump(root / "my labels.json", coco_of(SCENES))


def coco_cvat(root: Path) -> None:
    """CVAT's export of a task."""
    photos(root / "images" / "default", SCENES)
    dump(root / "annotations" / "instances_default.json", coco_of(SCENES))


def coco_roboflow(root: Path) -> None:
    """Roboflow's, with its project as category 0, and splits by its words."""
    for split, scenes in (("train", TRAIN), ("valid", VAL), ("test", VAL)):
        photos(root / split, scenes)
        content = coco_of(scenes)
        project = {"id": 0, "name": "things", "supercategory": "none"}
        for category in content["categories"]:
            category["supercategory"] = "things"
        content["categories"].insert(0, project)
        dump(root / split / "_annotations.coco.json", content)
    put(root / "README.roboflow.txt", "Exported.")


def coco_label_studio(root: Path) -> None:
    """Label Studio's COCO: names as it uploaded them."""
    photos(root / "images", SCENES, prefix="0a1b2c3d-")
    dump(root / "result.json", coco_of(SCENES, prefix="..\\..\\upload\\4\\0a1b2c3d-", first=0))


def voc_xml(scene: Scene, *, first: int = 1, extra: str = "") -> str:
    """An XML file; pixels from 1, the last included."""
    things = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{x0 + first}</xmin>"
        f"<ymin>{y0 + first}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, x0, y0, x1, y1 in scene.boxes
    )
    width, height = scene.size
    return (
        f"<annotation><filename>{scene.name}.jpg</filename>{extra}<size><width>{width}</width>"
        f"<height>{height}</height><depth>3</depth></size>{things}</annotation>"
    )


def voc(root: Path) -> None:
    """As the set itself has it."""
    photos(root / "JPEGImages", SCENES)
    for scene in SCENES:
        put(root / "Annotations" / f"{scene.name}.xml", voc_xml(scene))
    for split, scenes in DIVIDED.items():
        lines = "".join(f"{scene.name}\n" for scene in scenes)
        put(root / "ImageSets" / "Main" / f"{split}.txt", lines)
        flags = "".join(f"{scene.name}  1\n" for scene in scenes)
        put(root / "ImageSets" / "Main" / f"disc_{split}.txt", flags)


def voc_cvat(root: Path) -> None:
    """CVAT's: one list, with suffixes here."""
    voc(root)
    lists = root / "ImageSets" / "Main"
    for path in lists.iterdir():
        path.unlink()
    put(lists / "default.txt", "".join(f"{scene.name}.jpg\n" for scene in SCENES))


def voc_labelimg(root: Path) -> None:
    """LabelImg's: XML beside each photo, none for one without objects."""
    photos(root, SCENES, suffix=".JPG")
    for scene in SCENES:
        if scene.boxes:
            path = r"<path>C:\Users\me\photos\x.JPG</path>"
            put(root / f"{scene.name}.xml", voc_xml(scene, extra=path), "utf-8-sig")


def voc_without_lists(root: Path) -> None:
    """Annotations and JPEGImages alone."""
    photos(root / "JPEGImages", SCENES)
    for scene in SCENES:
        put(root / "Annotations" / f"{scene.name}.xml", voc_xml(scene), "utf-16")


def yolo_text(scene: Scene, *, polygons: bool = False) -> str:
    """A label file, to seven digits."""
    (width, height), lines = scene.size, []
    for name, x0, y0, x1, y1 in scene.boxes:
        values = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height]
        values += [(x1 - x0) / width, (y1 - y0) / height]
        if polygons:
            corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
            values = [v for x, y in corners for v in (x / width, y / height)]
        lines.append(f"{CLASSES.index(name)} {' '.join(f'{value:.7f}' for value in values)}\n")
    return "".join(lines)


def yolo(root: Path) -> None:
    """Roboflow's: train/images, train/labels, and paths that are not right from here."""
    for split, scenes in (("train", TRAIN), ("valid", VAL)):
        photos(root / split / "images", scenes)
        for scene in scenes:
            put(root / split / "labels" / f"{scene.name}.txt", yolo_text(scene))
    put(root / "data.yaml", "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
        f"nc: 2\nnames: ['{CLASSES[0]}', '{CLASSES[1]}']\n")  # fmt: skip


def yolo_outlines(root: Path) -> None:
    """Ultralytics' own: images/train and labels/train, names by number, polygons."""
    for split, scenes in DIVIDED.items():
        photos(root / "images" / split, scenes)
        for scene in scenes:
            if scene.boxes:
                text = yolo_text(scene, polygons=True)
                put(root / "labels" / split / f"{scene.name}.txt", text)
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    put(
        root / "set.yaml",
        f"path: /content/x\ntrain: images/train\nval: images/val\nnames:\n{names}",
    )


def yolo_lists(root: Path) -> None:
    """Text files with the paths of the machine that it was trained on."""
    photos(root / "images", SCENES)
    for scene in SCENES:
        put(root / "labels" / f"{scene.name}.txt", yolo_text(scene))
    for split, scenes in DIVIDED.items():
        paths = "".join(f"/home/me/set/images/{scene.name}.jpg\n" for scene in scenes)
        put(root / f"{split}.txt", paths)
    put(root / "data.yaml", f"train: [train.txt]\nval: val.txt\nnames: {json.dumps(CLASSES)}\n")


def yolo_darknet(root: Path) -> None:
    """CVAT's export: photos and labels in one folder, obj.data and obj.names."""
    photos(root / "obj_train_data", SCENES)
    for scene in SCENES:
        put(root / "obj_train_data" / f"{scene.name}.txt", yolo_text(scene))
    put(root / "obj.names", "\n".join(CLASSES) + "\n")
    put(root / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n")
    put(root / "train.txt", "".join(f"data/obj_train_data/{s.name}.jpg\n" for s in SCENES))


def yolo_label_studio(root: Path) -> None:
    """Label Studio's: images/, labels/, classes.txt, and notes."""
    photos(root / "images", SCENES)
    for scene in SCENES:
        put(root / "labels" / f"{scene.name}.txt", yolo_text(scene))
    put(root / "classes.txt", "\n".join(CLASSES))
    dump(root / "notes.json", {"categories": [{"id": 0, "name": "disc"}], "info": {}})


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


WRITERS: dict[str, Callable[[Path], None]] = {
    writer.__name__: writer
    for writer in (
        coco, coco_beside, coco_cvat, coco_roboflow, coco_label_studio, voc, voc_cvat,
        voc_labelimg, voc_without_lists, yolo, yolo_outlines, yolo_lists, yolo_darknet,
        yolo_label_studio, cvat, label_studio, labelme, via, via_regions, via_table, table,
        table_without_heading, createml,
    )
}  # fmt: skip
WITH_OUTLINES = ("coco", "coco_roboflow", "coco_label_studio", "yolo_outlines")

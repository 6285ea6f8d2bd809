"""Writes the scenes in the forms of COCO, VOC and YOLO, and lists the writers of all."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.tasks.detection.scenes import (
    CLASSES,
    DIVIDED,
    SCENES,
    TRAIN,
    VAL,
    Scene,
    dump,
    photos,
    put,
)
from tests.tasks.detection.tool_writers import (
    createml,
    cvat,
    label_studio,
    labelme,
    table,
    table_without_heading,
    via,
    via_regions,
    via_table,
)


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

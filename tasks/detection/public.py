"""The public detection data sets: COCO 2017 and Pascal VOC."""

from tasks.common.data.public import Archive, PublicDataset

_COCO = "http://images.cocodataset.org"
_VOC = "https://thor.robots.ox.ac.uk/pascal/VOC"

DATASETS = {
    "coco": PublicDataset(
        archives=(
            Archive(
                f"{_COCO}/annotations/annotations_trainval2017.zip",
                252_907_541,
                "md5:f4bbac642086de4f52a3fdda2de5fa2c",
            ),
            Archive(
                f"{_COCO}/zips/val2017.zip", 815_585_330, "md5:442b8da7639aecaf257c1dceb8ba8c80"
            ),
            Archive(
                f"{_COCO}/zips/train2017.zip",
                19_336_861_798,
                "md5:cced6f7f71b7629ddf16f17bbcfab6b2",
            ),
        ),
        contents={
            "annotations/instances_train2017.json": 1,
            "annotations/instances_val2017.json": 1,
            "val2017/*.jpg": 5_000,
            "train2017/*.jpg": 118_287,
        },
        train="python tools/train.py task=ssd_coco data=coco data.root={root}",
        terms="https://cocodataset.org/#termsofuse",
    ),
    # Trained on trainval, tested on test; both archives unpack into the same folders.
    "voc2007": PublicDataset(
        archives=(
            Archive(
                f"{_VOC}/voc2007/VOCtest_06-Nov-2007.tar",
                451_020_800,
                "md5:b6e924de25625d8de591ea690078ad9f",
            ),
            Archive(
                f"{_VOC}/voc2007/VOCtrainval_06-Nov-2007.tar",
                460_032_000,
                "md5:c52e279531787c972589f7e41ab4ae64",
            ),
        ),
        contents={
            "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt": 1,
            "VOCdevkit/VOC2007/ImageSets/Main/test.txt": 1,
            "VOCdevkit/VOC2007/Annotations/*.xml": 9_963,
            "VOCdevkit/VOC2007/JPEGImages/*.jpg": 9_963,
        },
        train="python tools/train.py task=ssd_coco data=voc data.root={root}/VOCdevkit/VOC2007",
        terms="http://host.robots.ox.ac.uk/pascal/VOC/voc2007/",
    ),
    # The annotations of its test split were never published: trained on train, tested on val.
    "voc2012": PublicDataset(
        archives=(
            Archive(
                f"{_VOC}/voc2012/VOCtrainval_11-May-2012.tar",
                1_999_639_040,
                "md5:6cd6e144f989b92b3379bac3b3de84fd",
            ),
        ),
        contents={
            "VOCdevkit/VOC2012/ImageSets/Main/train.txt": 1,
            "VOCdevkit/VOC2012/ImageSets/Main/val.txt": 1,
            "VOCdevkit/VOC2012/Annotations/*.xml": 17_125,
            "VOCdevkit/VOC2012/JPEGImages/*.jpg": 17_125,
        },
        train="python tools/train.py task=ssd_coco data=voc data.root={root}/VOCdevkit/VOC2012",
        terms="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
    ),
}

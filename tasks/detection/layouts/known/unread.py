"""Layouts that are told but not read, each with the way out: archives, TFRecord, Datumaro."""

from backbone.errors import InputError
from tasks.detection.layouts.found import Found
from tasks.detection.layouts.listing import Listing

DATUMARO = r'\A\s*\{[\s\S]*"categories"\s*:\s*\{'
WAYS_OUT = {
    (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar"): "an archive: unpack it here",
    (".tfrecord", ".tfrecords", ".record"): "TFRecord: export as COCO, VOC or YOLO instead",
    (".mat",): "a MATLAB file: convert it to COCO's JSON or a CSV table",
    (".parquet",): "Parquet: write a CSV table of it, file,xmin,ymin,xmax,ymax,class",
}


def find(listing: Listing) -> Found | None:
    """Never anything that can be read.

    Raises:
        InputError: If there is such a thing, naming it.
    """
    for suffixes, way_out in WAYS_OUT.items():
        files = listing.named(*suffixes)
        if files:
            raise InputError(f"{listing.root / files[0]} is {way_out}")
    files = listing.holding(listing.named(".json"), DATUMARO)
    if files:
        raise InputError(
            f"{listing.root / files[0]} is in Datumaro's own layout: export as COCO instead"
        )
    return None

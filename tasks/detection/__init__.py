"""Object detection on COCO and VOC data."""

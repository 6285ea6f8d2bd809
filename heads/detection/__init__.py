"""What detectors are made of: boxes, anchors, matching, losses, suppression."""

"""What detections score."""

"""Our detectors' speed and accuracy beside torchvision's."""

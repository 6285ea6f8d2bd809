"""Image classification: ImageNet's thousand classes, breeds of dogs, and any folders of classes."""

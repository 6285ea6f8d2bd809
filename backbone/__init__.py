"""Feature extractors: images in, feature maps ``c2`` to ``c5`` out."""

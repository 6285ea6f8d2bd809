"""The speed of loading photos and of numbering cells."""

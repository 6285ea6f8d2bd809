"""Face attributes: what a face shows, each by itself."""

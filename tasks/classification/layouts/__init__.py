"""How photos of classes lie on disk."""

"""How photos with boxes lie on disk."""

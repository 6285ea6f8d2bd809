"""Attributes and embedding of faces, from one pass over the backbone."""

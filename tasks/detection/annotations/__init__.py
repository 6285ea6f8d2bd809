"""Boxes and outlines of objects, checked, in arrays."""

"""Faces as points in a space where the same person's are near each other."""

"""Data sets that are drawn in code."""

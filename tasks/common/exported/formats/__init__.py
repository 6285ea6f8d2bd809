"""A module for each kind of file, found by its name."""

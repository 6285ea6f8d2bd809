"""Folders, names, archives, downloads and tables on disk."""

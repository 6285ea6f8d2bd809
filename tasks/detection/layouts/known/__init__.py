"""One module a layout: how to tell it from a folder, and how it is read; found by looking."""

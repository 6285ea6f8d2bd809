"""An Earth of a few towns, drawn in code."""

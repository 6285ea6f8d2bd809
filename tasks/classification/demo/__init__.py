"""Pictures of things and dogs, drawn in code."""

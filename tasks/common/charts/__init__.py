"""Charts of how a run went and what it reached."""

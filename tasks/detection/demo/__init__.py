"""Scenes of toys, drawn in code."""

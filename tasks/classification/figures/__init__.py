"""Charts of accuracy against cost."""

"""What applications say of how their results are shown on a page."""

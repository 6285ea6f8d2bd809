"""A page in the browser to try trained networks."""

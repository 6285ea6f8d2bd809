"""Image classification: so far, a check that imported weights are intact."""

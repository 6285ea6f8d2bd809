"""One file per kind of published weights: how to tell it, and its tensors under our names."""

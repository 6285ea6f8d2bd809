"""One pass for two heads beside two networks."""

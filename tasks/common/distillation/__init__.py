"""Networks that teach other networks."""

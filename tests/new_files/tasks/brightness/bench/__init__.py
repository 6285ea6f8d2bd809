"""Its speed beside others'."""

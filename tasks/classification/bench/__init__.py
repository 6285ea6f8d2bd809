"""Our classifier's speed beside others'."""

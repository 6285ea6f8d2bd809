"""Points and cells on the Earth."""

"""How bright photos are: the smallest application there can be."""

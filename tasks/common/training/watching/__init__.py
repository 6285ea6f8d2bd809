"""How a training is watched: its curve, its progress, its pictures, and boards that show them."""

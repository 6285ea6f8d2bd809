"""Where a photo was taken, as a choice among cells of the Earth's surface (PlaNet)."""

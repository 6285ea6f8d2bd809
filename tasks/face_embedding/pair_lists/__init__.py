"""Lists of pairs of faces: as text, in archives, and what is read from them."""

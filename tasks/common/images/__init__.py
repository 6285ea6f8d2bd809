"""From image files to pixels, and from pixels to pictures with text on them."""

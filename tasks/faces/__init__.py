"""What the applications of faces share: finding, aligning and showing them."""

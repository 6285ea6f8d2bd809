"""Photos packed into large files."""

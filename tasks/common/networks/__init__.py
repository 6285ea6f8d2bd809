"""Making networks, filling them from files, and counting what they cost."""

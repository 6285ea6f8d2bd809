"""What becomes of predictions: entries a line, tables, pictures and films."""

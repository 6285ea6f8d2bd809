"""Networks in files for apps."""

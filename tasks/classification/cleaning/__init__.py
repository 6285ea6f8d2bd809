"""Photos from the web made fit to be trained on."""

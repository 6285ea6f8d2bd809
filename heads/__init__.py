"""One file per head: output layers, loss and decoding."""

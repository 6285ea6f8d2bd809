"""From files on disk to batches, the same for every application."""

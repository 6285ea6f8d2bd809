"""Several tasks on one backbone."""

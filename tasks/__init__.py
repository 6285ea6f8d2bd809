"""Applications: data, wiring and metric around one backbone and one head."""

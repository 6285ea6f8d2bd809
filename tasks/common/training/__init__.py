"""The Lightning module of all tasks, and what goes on around its steps."""

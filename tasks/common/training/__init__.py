"""The task, the one Lightning module that trains any, and what goes on around its steps."""

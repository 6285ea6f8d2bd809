"""Commands. This file keeps ``python -m tools.x`` from finding another distribution's ``tools``."""

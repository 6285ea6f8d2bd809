"""Cores, processes, signals and clocks."""

"""Sweeps of the family: structures fitted to truths of structures, beside the grids of the one model."""

"""Sweeps: what is run, never how it is solved."""

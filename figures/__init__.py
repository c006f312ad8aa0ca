"""Figures over stored tables."""

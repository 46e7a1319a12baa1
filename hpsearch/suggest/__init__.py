"""Algorithms that propose points from a history."""

"""Loads objectives, evaluates them, and turns what they return into results."""

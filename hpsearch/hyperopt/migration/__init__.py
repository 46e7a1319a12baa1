"""Searches that began under Hyperopt, taken over."""

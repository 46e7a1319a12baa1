"""Evaluates trials: claim, run, finish."""

"""Searches that began under Optuna, taken over; public as ``hpsearch.optuna``."""

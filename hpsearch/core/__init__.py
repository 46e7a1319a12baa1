"""Trials, experiments, workers and histories: frozen values and their legal moves."""

"""Hyperparameter search on a fleet of machines, with MongoDB between them."""

"""Checks a database and a machine: facts in, findings out."""

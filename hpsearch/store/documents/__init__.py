"""Trials, experiments and workers as MongoDB documents, and back; pure.

Field names are those of the values, so that mongosh shows what the code says. A field
that is None or empty is left out.
"""

"""Converting trials, experiments and workers to MongoDB documents and back.

Fields have the names of the values' attributes. Fields that are None or empty are omitted.
"""

"""``MongoTrials``: Hyperopt's distributed search over the coordinator, store and workers of hpsearch.

``fmin`` runs the same ``Coordinator`` as the commands. Trials become Hyperopt's documents when they
are read, and exist in that form only here.
"""

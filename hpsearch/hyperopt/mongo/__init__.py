"""``MongoTrials``: Hyperopt's distributed search on our coordinator, store and workers.

``fmin`` leads an experiment with the ``Coordinator`` that the commands use; documents of
Hyperopt's shape are made of our trials when they are read, and exist only here.
"""

"""Learning when to stop a trial: policies for workers, and predicted losses for suggesters.

``rung_table`` holds what all trials reported at rungs, ``direction`` whether lower reported values are
better, ``chain_fit`` the model of learning curves, ``rules`` one rule for each name of ``--pruner``, and
``learner`` the whole. What a worker needs is in ``hpsearch.core.stopping``.
"""

"""The tree-structured Parzen estimator (TPE)."""

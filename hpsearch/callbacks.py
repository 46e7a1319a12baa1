"""Callbacks for training libraries; each imports its library when it is made."""

from hpsearch.integrations.callbacks import catboost, keras, lightgbm, lightning, transformers, xgboost

__all__ = ["catboost", "keras", "lightgbm", "lightning", "transformers", "xgboost"]

"""Hyperopt's ``spark``, which hpsearch does not implement; ``SparkTrials`` raises ``ConfigurationError``."""

from hpsearch.hyperopt.engine.unsupported import SparkTrials

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING",
    "FMIN_CANCELLED_REASON_TIMEOUT",
    "FMIN_CANCELLED_REASON_USER",
    "SparkTrials",
]

#: Reasons for the end of a search on Spark, for scripts that compare them.
FMIN_CANCELLED_REASON_TIMEOUT = "fmin run timeout"
FMIN_CANCELLED_REASON_EARLY_STOPPING = "early stopping condition"
FMIN_CANCELLED_REASON_USER = "fmin run cancelled by user"

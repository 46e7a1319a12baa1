"""Hyperopt's ``ipy``, which hpsearch does not implement; ``IPythonTrials`` raises ``ConfigurationError``."""

from hpsearch.hyperopt.engine.unsupported import IPythonTrials, LostEngineError

__all__ = ["IPythonTrials", "LostEngineError"]

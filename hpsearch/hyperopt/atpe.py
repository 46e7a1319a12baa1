"""Hyperopt's ``atpe``, which hpsearch does not implement; ``suggest`` raises ``ConfigurationError``."""

from hpsearch.hyperopt.engine.unsupported import atpe_suggest as suggest

__all__ = ["suggest"]

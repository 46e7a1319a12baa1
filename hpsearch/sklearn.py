"""Searches with scikit-learn's interface: ``SearchCV`` (extra ``sklearn``)."""

from hpsearch.errors import MissingExtraError

try:
    import sklearn  # noqa: F401 - checks that it is installed
except ImportError as error:
    raise ImportError(str(MissingExtraError("hpsearch.sklearn", "sklearn")), name="sklearn") from error

from hpsearch.integrations.sklearn import SearchCV

__all__ = ["SearchCV"]

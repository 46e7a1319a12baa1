"""Skipping tests that need an extra, without importing it where no such test runs."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(package: str, extra: str) -> pytest.MarkDecorator:
    """Return a mark that skips tests where a package is missing.

    Parameters
    ----------
    package : str
        What the tests import; finding it takes far less time than importing it.
    extra : str
        The extra of hpsearch that installs it.
    """
    return pytest.mark.skipif(
        find_spec(package) is None, reason=f"{package} is not installed (extra {extra})"
    )

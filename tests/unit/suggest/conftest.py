"""One thread for linear algebra, as in a search: on a busy machine, several take many times the CPU time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hpsearch.runtime.numerics import single_threaded


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    with single_threaded():
        yield

"""How many threads linear algebra uses while points are suggested."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpsearch.runtime.numerics import single_threaded, thread_counts

#: Prints the numbers of threads before, within and after, the last time after an error.
CODE = """
import numpy, scipy.linalg
from hpsearch.runtime.numerics import single_threaded, thread_counts
def say():
    print(*(get() for get, _ in thread_counts()))
say()
with single_threaded():
    say()
say()
try:
    with single_threaded():
        raise KeyError
except KeyError:
    say()
"""


@pytest.mark.skipif(not thread_counts(), reason="NumPy has no OpenBLAS of its own here")
def test_one_thread_is_used_within_the_block_and_the_number_restored_after_it() -> None:
    surroundings = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True, env=surroundings
    )
    counts = [set(line.split()) for line in done.stdout.splitlines()]
    assert counts[0] <= {"1", "2"}  # a machine of one core has one
    assert counts[1:] == [{"1"}, counts[0], counts[0]]


def test_blocks_nest() -> None:
    before = [get() for get, _ in thread_counts()]
    with single_threaded(), single_threaded():
        pass
    assert [get() for get, _ in thread_counts()] == before

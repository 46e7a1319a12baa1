"""The surroundings of our own arithmetic, whatever the process around it is set to.

A search file may make NumPy and SciPy strict, or turn warnings into errors, to find its own mistakes.
Estimates of densities over a wide range underflow and overflow by design, and what comes of that is
dealt with where it arises. So nothing of ours heeds such settings: neither a suggestion nor a picture
raises or warns because of them.

NumPy keeps its error state in a context variable and SciPy its own for each thread, so that a thread
of the user's keeps what it has set. The filters of Python's warnings belong to the whole process, so they
are left alone: a floating-point error that is ignored gives no warning in the first place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import special

from hpsearch.runtime.blas import single_threaded


@contextmanager
def own_arithmetic() -> Iterator[None]:
    """Ignore floating-point errors, and use one thread for linear algebra, for the length of a block.

    Every entry into suggesting and drawing is such a block; also usable as a decorator.
    """
    quiet = special.errstate(all="ignore")  # type: ignore[arg-type]  # a misprint of the stubs
    with single_threaded(), np.errstate(all="ignore"), quiet:
        yield

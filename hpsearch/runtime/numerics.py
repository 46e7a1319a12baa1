"""Numerical settings for our own computations, whatever the process around them uses.

A search file may make NumPy and SciPy raise on floating-point errors, or turn warnings into errors, to find
its own mistakes. Density estimates over a wide range underflow and overflow by design, and the code handles
the result, so suggesting and plotting ignore these errors. NumPy keeps its error state in a context variable
and SciPy its own per thread, so a user's threads keep their settings. Python's warning filters belong to the
whole process and are left alone: an ignored floating-point error causes no warning.

The matrices of a suggestion are small. Shared between threads, each product waits for the slowest thread; on
a machine that is busy with evaluations this was measured to take twenty times as long. So OpenBLAS uses one
thread for our computations. An objective in the same process keeps all its threads.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np

#: NumPy and SciPy each bring a library, whose functions have one of these endings and one of these
#: beginnings, the second in older wheels.
_PACKAGES = ("numpy", "scipy")
_BEGINNINGS = ("scipy_openblas", "openblas")
_ENDINGS = ("", "64_")


@contextmanager
def isolated_numerics() -> Iterator[None]:
    """Ignore floating-point errors and use one thread for linear algebra within a block.

    Every entry into suggesting and plotting is such a block; also usable as a decorator.
    """
    with single_threaded(), np.errstate(all="ignore"), _quiet_scipy():
        yield


def _quiet_scipy() -> AbstractContextManager[object]:
    """Ignore errors of SciPy's special functions, as these do unless a process changed it."""
    special = sys.modules.get("scipy.special")  # a process that has not imported them changed nothing
    # Setting SciPy's state takes 20 us, reading it less than 1 us.
    if special is None or all(
        action == "ignore" for error, action in special.geterr().items() if error != "memory"
    ):
        return nullcontext()
    quiet: AbstractContextManager[object] = special.errstate(all="ignore")
    return quiet


@contextmanager
def single_threaded() -> Iterator[None]:
    """Use one thread in OpenBLAS within a block; other libraries keep their settings."""
    before = [(put, n_threads) for get, put in thread_counts() if (n_threads := get()) != 1]
    for put, _ in before:
        put(1)
    try:
        yield
    finally:
        for put, n_threads in before:
            put(n_threads)


@functools.cache
def thread_counts() -> tuple[tuple[Callable[[], int], Callable[[int], None]], ...]:
    """Return a getter and a setter of the threads for each OpenBLAS in the wheels of NumPy and SciPy."""
    found = []
    for path in _libraries():
        library = ctypes.CDLL(str(path))
        for start, ending in itertools.product(_BEGINNINGS, _ENDINGS):
            get = getattr(library, f"{start}_get_num_threads{ending}", None)
            put = getattr(library, f"{start}_set_num_threads{ending}", None)
            if get is not None and put is not None:
                put.argtypes, put.restype = [ctypes.c_int], None
                found.append((get, put))
    return tuple(found)


def _libraries() -> Iterator[Path]:
    """Yield the OpenBLAS libraries in the wheels of NumPy and SciPy; none for other builds."""
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            root = Path(spec.origin).parents[1]
            yield from sorted(root.glob(f"{package}.libs/lib*openblas*"))

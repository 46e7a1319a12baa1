"""One thread for linear algebra while points are suggested.

The matrices of a suggestion are small. Shared between threads, each product waits for the slowest
of them, and on a machine that is busy with evaluations that was measured to cost twenty times the
time. What an objective does in the same process keeps all its threads.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: NumPy and SciPy each bring a library of their own, whose functions have one of these endings.
_PACKAGES = ("numpy", "scipy")
_ENDINGS = ("", "64_")


@contextmanager
def single_threaded() -> Iterator[None]:
    """Use one thread in OpenBLAS for the length of a block; other libraries are left as they are."""
    before = [(put, get()) for get, put in thread_counts()]
    for put, _ in before:
        put(1)
    try:
        yield
    finally:
        for put, n_threads in before:
            put(n_threads)


@functools.cache
def thread_counts() -> tuple[tuple[Callable[[], int], Callable[[int], None]], ...]:
    """Return what reads and what sets the threads, for each OpenBLAS in NumPy's and SciPy's wheels."""
    found = []
    for path in _libraries():
        library = ctypes.CDLL(str(path))
        for ending in _ENDINGS:
            get = getattr(library, f"scipy_openblas_get_num_threads{ending}", None)
            put = getattr(library, f"scipy_openblas_set_num_threads{ending}", None)
            if get is not None and put is not None:
                put.argtypes, put.restype = [ctypes.c_int], None
                found.append((get, put))
    return tuple(found)


def _libraries() -> Iterator[Path]:
    """Yield the OpenBLAS libraries beside NumPy and SciPy; none where they were built in another way."""
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            root = Path(spec.origin).parents[1]
            yield from sorted(root.glob(f"{package}.libs/libscipy_openblas*"))

"""Sequences of numbers that objectives attached to their trials."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from hpsearch.errors import LoadError

#: What a pickled array names. Attachments may come from a database, where others can write:
#: nothing but these is ever called.
_ARRAYS = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
        ("_codecs", "encode"),
    }
)


def curve_of(attached: Any) -> np.ndarray[Any, np.dtype[Any]] | None:
    """Return an attachment as a sequence of numbers, or None if it has another shape.

    Parameters
    ----------
    attached : any
        A sequence, or, as Hyperopt wants it, a pickled one: lists, tuples, numbers and
        NumPy's arrays.

    Returns
    -------
    (n,) array or None
        Without the dimensions of length one.

    Raises
    ------
    LoadError
        If it is a pickle of something else, or none.
    """
    if isinstance(attached, bytes | bytearray | memoryview):
        attached = _Numbers(io.BytesIO(attached)).numbers()
    curve = np.squeeze(np.asanyarray(attached))
    return curve if curve.ndim == 1 else None


class _Numbers(pickle.Unpickler):
    """Reads numbers, and refuses whatever else a pickle names."""

    def numbers(self) -> Any:
        """Return what the pickle holds."""
        try:
            return self.load()
        except LoadError:
            raise
        except Exception as error:
            # Damaged bytes make the unpickler raise anything.
            raise LoadError(f"The attachment is no pickled sequence of numbers: {error}") from error

    def find_class(self, module: str, name: str) -> Any:
        """Return what makes an array."""
        if (module, name) not in _ARRAYS:
            raise LoadError(
                f"The attachment is a pickle that names {module}.{name}; only numbers and arrays are drawn."
            )
        return super().find_class(module, name)

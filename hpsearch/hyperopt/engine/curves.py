"""Read sequences of numbers, such as learning curves, from the attachments of trials.

Attachments may come from a database in which others can write, so none is unpickled: a pickle is a program,
and even one that creates only arrays can make them refer to arbitrary memory.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import format as npy

from hpsearch.errors import LoadError
from hpsearch.runtime.escaping import reason

#: Formats by the first bytes, for error messages.
_BEGINNINGS = (
    (re.compile(rb"\x80[\x02-\x05]"), "a pickle, which is a program and is not run"),
    (re.compile(rb"PK\x03\x04"), "a zip archive, such as .npz"),
)

#: Readers of an array's header by version of the format; newer versions are for records.
_HEADERS: dict[tuple[int, int], Callable[[Any], tuple[Any, bool, Any]]] = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}

_ADVICE = "attach numbers as JSON, or what numpy.save writes"


def curve_of(attached: Any) -> np.ndarray[Any, np.dtype[Any]] | None:
    """Return an attachment as a sequence of numbers, None if it has more dimensions.

    Parameters
    ----------
    attached : any
        A sequence of numbers; or bytes or text with an array in NumPy's format ``.npy``, JSON, or numbers
        separated by white space, commas or semicolons.

    Returns
    -------
    (n,) array or None
        Dimensions of length one are removed.

    Raises
    ------
    LoadError
        If it is anything else; the message says what.
    """
    if isinstance(attached, str):
        attached = attached.encode("utf-8", "surrogatepass")
    if isinstance(attached, bytes | bytearray | memoryview):
        content = bytes(attached)
        numbers = _array_in(content) if content.startswith(npy.MAGIC_PREFIX) else _numbers_in(content)
    else:
        numbers = _numeric(attached, f"a {type(attached).__name__} that is not numeric")
    curve = np.squeeze(numbers)
    return curve if curve.ndim == 1 else None


def _array_in(content: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Return an array in the format ``.npy``, after checking its header."""
    file = io.BytesIO(content)
    try:
        shape, is_fortran, dtype = _HEADERS[npy.read_magic(file)](file)
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise _unreadable(f"an array in an unsupported format ({reason(error)})") from error
    if dtype.kind not in "biuf":
        raise _unreadable(f"an array of {dtype.name}, not of numbers")
    n_numbers = math.prod(shape)
    if min(shape, default=0) < 0 or n_numbers * dtype.itemsize != len(content) - file.tell():
        raise _unreadable(f"a damaged array: {len(content)} bytes, with a header for the shape {shape}")
    flat = np.frombuffer(content, dtype, n_numbers, file.tell())
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _numbers_in(content: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the numbers in JSON or text."""
    for beginning, what in _BEGINNINGS:
        if beginning.match(content):
            raise _unreadable(what)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _unreadable(f"{len(content)} bytes of an unknown format") from error
    try:
        return _numeric(json.loads(text), "JSON that is not numeric")
    except (ValueError, RecursionError):
        pass
    try:
        return np.array([float(number) for number in re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))])
    except ValueError as error:
        raise _unreadable("text that is not numeric") from error


def _numeric(values: Any, otherwise: str) -> np.ndarray[Any, np.dtype[Any]]:
    """Return values as an array of numbers; raise ``LoadError`` with a description otherwise."""
    try:
        numbers = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:  # for example lists of different lengths
        raise _unreadable(otherwise) from error
    if numbers.dtype.kind not in "biuf":
        raise _unreadable(otherwise)
    return numbers


def _unreadable(what: str) -> LoadError:
    return LoadError(f"It is {what}; {_ADVICE}.")

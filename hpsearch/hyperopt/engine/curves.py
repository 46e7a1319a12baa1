"""Sequences of numbers that objectives attached to their trials.

Attachments may come from a database, where others can write, so none is unpickled: a pickle is
a program, and even one that makes nothing but arrays can have them point anywhere in memory.
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

#: What the content of a file begins with, and what it is then.
_BEGINNINGS = (
    (re.compile(rb"\x80[\x02-\x05]"), "a pickle, which is a program and is not run"),
    (re.compile(rb"PK\x03\x04"), "a zip archive, such as .npz"),
    (re.compile(rb"\x89PNG"), "a PNG picture"),
    (re.compile(rb"\xff\xd8\xff"), "a JPEG picture"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"\x1f\x8b"), "compressed with gzip"),
    (re.compile(rb"\x89HDF"), "an HDF5 file"),
)

#: How an array's header is read, by the version of the format; newer ones are for records.
_HEADERS: dict[tuple[int, int], Callable[[Any], tuple[Any, bool, Any]]] = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}

_ADVICE = "attach numbers as JSON, or what numpy.save writes"


def curve_of(attached: Any) -> np.ndarray[Any, np.dtype[Any]] | None:
    """Return an attachment as a sequence of numbers, or None if it has another shape.

    Parameters
    ----------
    attached : any
        A sequence of numbers; or, as bytes or text, an array in NumPy's format ``.npy``, JSON, or
        numbers with white space, commas or semicolons between them.

    Returns
    -------
    (n,) array or None
        Without the dimensions of length one.

    Raises
    ------
    LoadError
        If it is something else; says what it is.
    """
    if isinstance(attached, str):
        attached = attached.encode("utf-8", "surrogatepass")
    if isinstance(attached, bytes | bytearray | memoryview):
        content = bytes(attached)
        numbers = _array_in(content) if content.startswith(npy.MAGIC_PREFIX) else _numbers_in(content)
    else:
        numbers = _numeric(attached, f"a {type(attached).__name__} of something else than numbers")
    curve = np.squeeze(numbers)
    return curve if curve.ndim == 1 else None


def _array_in(content: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the numbers of an array in the format ``.npy``; what it says of itself is checked first."""
    file = io.BytesIO(content)
    try:
        shape, is_fortran, dtype = _HEADERS[npy.read_magic(file)](file)
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise _refusal(f"an array in a form that is not read ({reason(error)})") from error
    if dtype.kind not in "biuf":
        raise _refusal(f"an array of {dtype.name}, not of numbers")
    n_numbers = math.prod(shape)
    if min(shape, default=0) < 0 or n_numbers * dtype.itemsize != len(content) - file.tell():
        raise _refusal(f"a damaged array: {len(content)} bytes, with a header for the shape {shape}")
    flat = np.frombuffer(content, dtype, n_numbers, file.tell())
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _numbers_in(content: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the numbers that stand in JSON or in text."""
    for beginning, what in _BEGINNINGS:
        if beginning.match(content):
            raise _refusal(what)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _refusal(f"{len(content)} bytes of an unknown format") from error
    try:
        return _numeric(json.loads(text), "JSON of something else than numbers")
    except (ValueError, RecursionError):
        pass
    try:
        return np.array([float(number) for number in re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))])
    except ValueError as error:
        raise _refusal("a text of something else than numbers") from error


def _numeric(values: Any, otherwise: str) -> np.ndarray[Any, np.dtype[Any]]:
    """Return values as an array of numbers, or say what they are otherwise."""
    try:
        numbers = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:  # of different lengths, for one
        raise _refusal(otherwise) from error
    if numbers.dtype.kind not in "biuf":
        raise _refusal(otherwise)
    return numbers


def _refusal(what: str) -> LoadError:
    return LoadError(f"It is {what}; {_ADVICE}.")

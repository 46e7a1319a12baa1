"""Pickling an objective within a limit, and saying what makes it too large or impossible."""

from __future__ import annotations

import io
from typing import Any

from hpsearch.errors import LoadError
from hpsearch.objective.by_value.captured import captured

#: Bytes that a pickle may take. Each worker downloads it: data belong on its disk, or in a store of theirs.
MAX_BYTES = 64 * 2**20

#: Captured values that an error names.
_MAX_NAMED = 5


class _FullError(Exception):
    """More was written than the limit allows."""


class _Limited(io.RawIOBase):
    """Keeps what is written, or counts it only, up to a limit.

    Parameters
    ----------
    max_bytes : int
        What may be written.
    keeps : bool
        Whether the content is wanted.
    """

    def __init__(self, max_bytes: float, *, keeps: bool) -> None:
        super().__init__()
        self.n_bytes = 0
        self.parts: list[bytes] = []
        self._max_bytes = max_bytes
        self._keeps = keeps

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        n_bytes = memoryview(data).nbytes
        self.n_bytes += n_bytes
        if self.n_bytes > self._max_bytes:
            raise _FullError
        if self._keeps:
            self.parts.append(bytes(data))
        return n_bytes


def pickled(objective: Any, name: str) -> bytes:
    """Return the pickle of an objective; needs cloudpickle.

    Parameters
    ----------
    objective : callable
        What to pickle.
    name : str
        What it is called, for errors.

    Raises
    ------
    LoadError
        If it takes more than 64 MB, or something in it cannot be pickled.
    """
    sink = _Limited(MAX_BYTES, keeps=True)
    try:
        _dump(objective, sink)
    except _FullError:
        raise LoadError(_too_large(objective, name)) from None
    except Exception as error:  # a foreign __reduce__ may raise anything
        raise LoadError(_impossible(objective, name, error)) from error
    return b"".join(sink.parts)


def _dump(value: Any, sink: _Limited) -> None:
    import cloudpickle

    cloudpickle.dump(value, sink)


def _too_large(objective: Any, name: str) -> str:
    sizes = {label: _size(value) for label, value in captured(objective).items()}
    largest = sorted(sizes, key=lambda label: -sizes[label])[:_MAX_NAMED]
    listed = ", ".join(f"{label} ({sizes[label] / 2**20:.1f} MB)" for label in largest)
    return (
        f"The objective {name} takes more than {MAX_BYTES // 2**20} MB as a pickle; of what it captures, "
        f"the largest are: {listed or 'nothing by name'}; load large data inside of it instead."
    )


def _impossible(objective: Any, name: str, error: Exception) -> str:
    guilty = [label for label, value in captured(objective).items() if _size(value) < 0]
    which = f" (captured: {', '.join(guilty[:_MAX_NAMED])})" if guilty else ""
    return f"The objective {name} cannot be sent by value{which}: {error}; create such things inside of it."


def _size(value: Any) -> int:
    """Return the bytes that a value takes as a pickle; -1 if it has none."""
    sink = _Limited(float("inf"), keeps=False)
    try:
        _dump(value, sink)
    except Exception:  # noqa: BLE001 - see pickled
        return -1
    return sink.n_bytes

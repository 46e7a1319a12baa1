"""Pickles an objective within a size limit; names the captured values that make this impossible."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import LoadError
from hpsearch.objective.by_value.captured import captured

#: The largest pickle, in bytes. Each worker downloads it: large data should be on the worker's disk.
MAX_BYTES = 64 * 2**20

#: Captured values that an error message names.
_MAX_NAMED = 5


class _FullError(Exception):
    """The limit is exceeded."""


class _Limited:
    """A file with a size limit that keeps, or only counts, what is written."""

    def __init__(self, max_bytes: float, *, keeps: bool) -> None:
        self.n_bytes = 0
        self.parts: list[bytes] = []
        self._max_bytes = max_bytes
        self._keeps = keeps

    def write(self, data: Any) -> int:
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
        Any function.
    name : str
        Its name in error messages.

    Raises
    ------
    LoadError
        If it takes more than 64 MB, or a value in it cannot be pickled.
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
        f"The objective {name} takes more than {MAX_BYTES // 2**20} MB as a pickle; the largest values that "
        f"it captures are: {listed or 'none with a name'}; load large data inside the objective instead."
    )


def _impossible(objective: Any, name: str, error: Exception) -> str:
    causes = [label for label, value in captured(objective).items() if _size(value) < 0]
    which = f" (captured: {', '.join(causes[:_MAX_NAMED])})" if causes else ""
    return f"The objective {name} cannot be sent by value{which}: {error}; create such values inside it."


def _size(value: Any) -> int:
    """Return the size of a value's pickle in bytes; -1 if it cannot be pickled."""
    sink = _Limited(float("inf"), keeps=False)
    try:
        _dump(value, sink)
    except Exception:  # noqa: BLE001 - see pickled
        return -1
    return sink.n_bytes

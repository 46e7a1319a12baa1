"""Trials in a file, written so that a crash leaves the old file or the new one, never a part."""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

from hpsearch.errors import MissingExtraError


def save_trials(trials: Any, path: str | Path, protocol: int = pickle.HIGHEST_PROTOCOL) -> None:
    """Pickle trials to a file, which another process may read at any time.

    Raises
    ------
    MissingExtraError
        If a result holds what only cloudpickle can write, and that is not installed.
    OSError
        If the folder cannot be written to.
    """
    target = Path(path)
    blob = _pickled(trials, protocol)
    handle, temporary = tempfile.mkstemp(dir=target.absolute().parent, prefix=target.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_trials(path: str | Path) -> Any:
    """Return the trials of a file, which must come from a source that is trusted: pickles run code."""
    with Path(path).open("rb") as file:
        return pickle.load(file)  # noqa: S301 - the user named the file


def _pickled(trials: Any, protocol: int) -> bytes:
    """Return trials as bytes; cloudpickle writes what pickle cannot, such as lambdas in a result."""
    try:
        return pickle.dumps(trials, protocol)
    except (pickle.PicklingError, AttributeError, TypeError):
        try:
            import cloudpickle
        except ImportError as error:
            raise MissingExtraError("saving these results", "pickle") from error
        blob: bytes = cloudpickle.dumps(trials, protocol)
        return blob

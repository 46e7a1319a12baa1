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
    blob = pickled(trials, protocol, what="these trials")
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
    """Return the trials of a file that this package or Hyperopt itself wrote.

    It must come from a source that is trusted, as Hyperopt's must: pickles run code.
    """
    with Path(path).open("rb") as file:
        return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    """Reads Hyperopt's classes as ours, whether or not ``hyperopt`` is a name for this package here."""

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what a pickle names."""
        is_theirs = module == "hyperopt" or module.startswith("hyperopt.")
        return super().find_class(f"hpsearch.{module}" if is_theirs else module, name)


def pickled(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL, *, what: str) -> bytes:
    """Return a value as bytes; cloudpickle writes what pickle cannot, such as lambdas.

    Raises
    ------
    MissingExtraError
        If only cloudpickle can write it, and that is not installed; it names ``what``.
    """
    try:
        import cloudpickle
    except ImportError:
        try:
            return pickle.dumps(value, protocol)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise MissingExtraError(f"pickling {what}", "pickle") from error
    blob: bytes = cloudpickle.dumps(value, protocol)
    return blob

"""Save trials to a file and load them; files are replaced atomically."""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

from hpsearch.errors import MissingExtraError


def save_trials(trials: Any, path: str | Path, protocol: int = pickle.HIGHEST_PROTOCOL) -> None:
    """Pickle trials to a file, which other processes may read at any time.

    Parameters
    ----------
    trials : Trials
        The trials.
    path : str or Path
        The file; it is replaced.
    protocol : int
        Pickle protocol; -1 is the highest.

    Raises
    ------
    MissingExtraError
        If a result needs cloudpickle, which is not installed.
    OSError
        If the folder is not writable.
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
    """Return the trials in a file written by this package or by Hyperopt.

    Read only trusted files: unpickling runs code.
    """
    with Path(path).open("rb") as file:
        return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    """Loads our classes instead of Hyperopt's, whether or not ``install()`` was called."""

    def find_class(self, module: str, name: str, /) -> Any:
        """Return the class or function of a name."""
        is_theirs = module == "hyperopt" or module.startswith("hyperopt.")
        return super().find_class(f"hpsearch.{module}" if is_theirs else module, name)


def pickled(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL, *, what: str) -> bytes:
    """Return a value as bytes, pickled by cloudpickle if it is installed.

    Parameters
    ----------
    value : any
        The value.
    protocol : int
        Pickle protocol; -1 is the highest.
    what : str
        Name of the value in the error.

    Raises
    ------
    MissingExtraError
        If the value needs cloudpickle, which is not installed.
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

"""Files that hold a secret: they are read only while nobody but their owner can."""

from __future__ import annotations

from pathlib import Path

from hpsearch.errors import ConfigurationError


def read_private(path: Path, what: str) -> bytes:
    """Return the content of a file, without the white space around it.

    Parameters
    ----------
    path : Path
        The file; ``~`` stands for the user's home.
    what : str
        What it is called in an error, such as "The secret file".

    Raises
    ------
    ConfigurationError
        If it cannot be read, or is open to others than its owner. What it holds is never part
        of the text.
    """
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            content = file.read().strip()
    except OSError as error:
        raise ConfigurationError(f"{what} {path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise ConfigurationError(
            f"{what} {path} is open to others (mode {mode & 0o777:03o}); "
            f"make it yours alone: chmod 600 {path}"
        )
    return content

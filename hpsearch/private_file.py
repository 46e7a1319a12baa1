"""Files that hold a secret: they are read only while nobody but their owner can."""

from __future__ import annotations

import os

from hpsearch.errors import ConfigurationError
from hpsearch.user_path import user_path

#: A secret is shorter, and a device may have no end.
_MAX_BYTES = 64 * 1024


def read_private(place: str, what: str) -> bytes:
    """Return the content of a file, without the white space around it.

    Parameters
    ----------
    place : str
        Path of the file; ``~`` stands for the user's home.
    what : str
        What it is called in an error, such as "The secret file".

    Raises
    ------
    ConfigurationError
        If it cannot be read, or is open to others than its owner, or longer than 64 KiB. What it
        holds is never part of the text.
    """
    path = user_path(place)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                raise ConfigurationError(
                    f"{what} {path} is open to others (mode {mode & 0o777:03o}); "
                    f"make it yours alone: chmod 600 {path}"
                )
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{what} {path} cannot be read: {error.strerror}.") from error
    if len(content) > _MAX_BYTES:
        raise ConfigurationError(f"{what} {path} is longer than {_MAX_BYTES // 1024} KiB: no secret is.")
    return content.strip()

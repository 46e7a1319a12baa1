"""Files that are their owner's alone: secrets are read only from such, and logs written only to such."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.user_paths import user_path

#: A secret is shorter, and a device may have no end.
_MAX_BYTES = 64 * 1024

_OWNER_ONLY = 0o600


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


def append_private(path: Path) -> FileIO:
    """Open a file to append to it, made for its owner alone where there is none.

    Raises
    ------
    ConfigurationError
        If it cannot be opened, or is a link, no ordinary file, or another user's.
    """
    # Without O_NONBLOCK a pipe in its place would wait for a reader; an ordinary file ignores it.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        file = FileIO(os.open(path, flags, _OWNER_ONLY), "a")
    except OSError as error:
        raise _not_written(path, "it is a link" if error.errno == errno.ELOOP else error.strerror) from error
    found = os.fstat(file.fileno())
    is_ordinary = stat.S_ISREG(found.st_mode)
    if is_ordinary and found.st_uid == os.geteuid():
        os.set_blocking(file.fileno(), True)
        return file
    file.close()
    raise _not_written(path, "it belongs to another user" if is_ordinary else "it is no ordinary file")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing; a link in its place is replaced."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that died under this number
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, _OWNER_ONLY), "w") as file:
        file.write(text)
    draft.replace(path)


def _not_written(path: Path, why: str | None) -> ConfigurationError:
    return ConfigurationError(f"The file {path} cannot be written to: {why}; move it away.")

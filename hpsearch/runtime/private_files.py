"""Files that only their owner may access: secrets and logs."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.user_paths import user_path

#: Longer than any secret; a device may be endless.
_MAX_BYTES = 64 * 1024

_OWNER_ONLY = 0o600


def read_private(place: str, what: str) -> bytes:
    """Return the content of a private file, without surrounding white space.

    Parameters
    ----------
    place : str
        Path of the file; a leading ``~`` is the user's home.
    what : str
        Its description in errors, such as "The secret file".

    Raises
    ------
    ConfigurationError
        If it cannot be read, is accessible to other users, or is longer than 64 KiB. The message never
        includes the content.
    """
    path = user_path(place)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                raise ConfigurationError(
                    f"{what} {path} is accessible to other users (mode {mode & 0o777:03o}); "
                    f"make it private: chmod 600 {path}"
                )
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{what} {path} cannot be read: {error.strerror}.") from error
    if len(content) > _MAX_BYTES:
        raise ConfigurationError(f"{what} {path} is longer than {_MAX_BYTES // 1024} KiB.")
    return content.strip()


def append_private(path: Path) -> FileIO:
    """Open a file to append to it; creates it as a private file.

    Raises
    ------
    ConfigurationError
        If it cannot be opened, is a link or not a regular file, or belongs to another user.
    """
    # O_NONBLOCK prevents that a pipe in its place waits for a reader; a regular file ignores it.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        file = FileIO(os.open(path, flags, _OWNER_ONLY), "a")
    except OSError as error:
        raise _not_written(path, "it is a link" if error.errno == errno.ELOOP else error.strerror) from error
    found = os.fstat(file.fileno())
    is_regular = stat.S_ISREG(found.st_mode)
    if is_regular and found.st_uid == os.geteuid():
        os.set_blocking(file.fileno(), True)
        return file
    file.close()
    raise _not_written(path, "it belongs to another user" if is_regular else "it is not a regular file")


def write_private(path: Path, text: str) -> None:
    """Write a private file atomically; replaces a link in its place.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    text : str
        The content.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # left by a process that died with the same PID
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, _OWNER_ONLY), "w") as file:
        file.write(text)
    draft.replace(path)


def _not_written(path: Path, why: str | None) -> ConfigurationError:
    return ConfigurationError(f"The file {path} cannot be written to: {why}; move it away.")

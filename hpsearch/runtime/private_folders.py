"""Private folders for a user's data: no links, and no folders of other users.

hpsearch restricts the mode of folders that it creates, and never changes that of existing ones: an error says
how to do it. So a wrong path cannot change the mode of an unrelated folder.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from hpsearch.errors import ConfigurationError

_ELSEWHERE = "name another one with HPSEARCH_HOME"


def own_folder(path: Path) -> Path:
    """Return a folder of this user in which others cannot replace files; creates it if missing.

    Parameters
    ----------
    path : Path
        The folder. Its parents may be links.

    Raises
    ------
    ConfigurationError
        If it cannot be created, or is a link, a file, or a folder of another user.
    """
    _make(path)
    _check_own(path)
    return path


def private_folder(path: Path, mark: str | None = None) -> Path:
    """Return a folder that only this user may enter; creates it if missing.

    Parameters
    ----------
    path : Path
        The folder, in an ``own_folder``.
    mark : str, optional
        Glob pattern of files by which hpsearch recognizes a folder that it has created, unless it is empty.

    Raises
    ------
    ConfigurationError
        As for ``own_folder``, and if it is accessible to other users, or has files but none that match.
    """
    _make(path)
    _check_private(path, mark)
    return path


def folder_problem(path: Path) -> str | None:
    """Return why ``own_folder`` would refuse a folder; None if it would not. Creates nothing."""
    try:
        if _status(path) is not None:
            _check_own(path)
            nearest = path
        else:
            nearest = next(above for above in path.absolute().parents if _status(above) is not None)
        if not nearest.is_dir():
            raise _unusable(path, f"{nearest} is not a folder")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise _unusable(path, f"{nearest} is not writable")
    except ConfigurationError as error:
        return str(error)
    return None


def private_folder_problem(path: Path, mark: str | None = None) -> str | None:
    """Return why ``private_folder`` would refuse an existing folder; None otherwise. Creates nothing.

    Parameters
    ----------
    path, mark
        As for ``private_folder``.
    """
    try:
        if _status(path) is not None:
            _check_private(path, mark)
    except ConfigurationError as error:
        return str(error)
    return None


def is_shared(path: Path) -> bool:
    """Whether a group other than the owner's private one may replace files in a folder."""
    try:
        found = path.lstat()
        names = grp.getgrgid(found.st_gid).gr_name, pwd.getpwuid(found.st_uid).pw_name
    except (OSError, ValueError, KeyError):  # KeyError: the group or the user has no name
        return False
    return bool(found.st_mode & stat.S_IWGRP) and not found.st_mode & stat.S_ISVTX and names[0] != names[1]


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except FileExistsError as error:
        if _status(path) is None:
            raise _unusable(path, f"{path.parent} is not a folder") from error
    except (OSError, ValueError) as error:
        raise _unusable(path, _why(error)) from error


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a path, for a link that of the link; None if nothing exists."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unusable(path, _why(error)) from error


def _check_own(path: Path) -> int:
    """Return the mode of a folder; raises unless it is a folder of this user, not writable by everyone."""
    found = _status(path)
    if found is None:
        raise _unusable(path, "it was removed")
    mode = found.st_mode
    if stat.S_ISLNK(mode):
        raise ConfigurationError(
            f"{path} is a symbolic link, which hpsearch does not follow there; "
            f"replace it by a folder, or {_ELSEWHERE}."
        )
    if not stat.S_ISDIR(mode):
        raise ConfigurationError(f"{path} is not a folder; move it away, or {_ELSEWHERE}.")
    if found.st_uid != os.geteuid():
        raise ConfigurationError(f"The folder {path} belongs to another user of this machine; {_ELSEWHERE}.")
    # With the sticky bit, as in /tmp, others cannot replace files.
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ConfigurationError(
            f"Everyone may write to the folder {path} (mode {mode & 0o777:03o}); "
            f"forbid it (chmod o-w {path}), or {_ELSEWHERE}."
        )
    return mode


def _check_private(path: Path, mark: str | None) -> None:
    """As ``_check_own``; refuses also folders that are accessible to other users or hold foreign files."""
    mode = _check_own(path)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"The folder {path} is accessible to other users (mode {mode & 0o777:03o}); "
            f"make it private (chmod 700 {path}), or {_ELSEWHERE}."
        )
    if mark is not None and not _is_marked(path, mark):
        raise ConfigurationError(
            f"The folder {path} holds files that hpsearch did not make; move them away, or {_ELSEWHERE}."
        )


def _is_marked(path: Path, mark: str) -> bool:
    try:
        return not any(path.iterdir()) or any(path.glob(mark))
    except OSError as error:
        raise _unusable(path, _why(error)) from error


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"The folder {path} cannot be used: {why}; {_ELSEWHERE}.")


def _why(error: OSError | ValueError) -> str:
    """Return the system's message; a ValueError is about an invalid file name."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

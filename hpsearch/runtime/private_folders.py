"""Folders for a user's data: neither links nor another user's, and never changed where hpsearch finds them.

hpsearch closes to others only what it makes itself, and says how to close the rest. A name that
leads elsewhere then costs one sentence, and not that other folder its mode.
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
    """Return a folder of this user in which others can replace nothing, made where there is none.

    Parameters
    ----------
    path : Path
        The folder. Those above it are the user's choice, and may be links.

    Raises
    ------
    ConfigurationError
        If it cannot be made or is something else: a link, a file, another user's folder.
    """
    _make(path)
    _check_own(path)
    return path


def private_folder(path: Path, mark: str | None = None) -> Path:
    """Return a folder that this user alone may enter, made where there is none.

    Parameters
    ----------
    path : Path
        The folder, in one that is ``own_folder``.
    mark : str, optional
        Pattern of the files by which a folder that is not empty shows that hpsearch made it.

    Raises
    ------
    ConfigurationError
        As ``own_folder`` does, and if it is open to others or holds only what hpsearch did not make.
    """
    _make(path)
    _check_private(path, mark)
    return path


def folder_problem(path: Path) -> str | None:
    """Return why ``own_folder`` would refuse a folder; None if it would not. Makes nothing."""
    try:
        if _status(path) is not None:
            _check_own(path)
            nearest = path
        else:
            nearest = next(above for above in path.absolute().parents if _status(above) is not None)
        if not nearest.is_dir():
            raise _unusable(path, f"{nearest} is not a folder")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise _unusable(path, f"nothing can be written to {nearest}")
    except ConfigurationError as error:
        return str(error)
    return None


def private_folder_problem(path: Path, mark: str | None = None) -> str | None:
    """Return why ``private_folder`` would refuse a folder that is there; None for another. Makes nothing."""
    try:
        if _status(path) is not None:
            _check_private(path, mark)
    except ConfigurationError as error:
        return str(error)
    return None


def is_shared(path: Path) -> bool:
    """Return whether the group of a folder may replace what lies in it, and is not its owner's alone."""
    try:
        found = path.lstat()
        names = grp.getgrgid(found.st_gid).gr_name, pwd.getpwuid(found.st_uid).pw_name
    except (OSError, ValueError, KeyError):  # KeyError: the machine has no name for one of the two
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
    """Return what there is under a name, of a link the link; None for nothing."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unusable(path, _why(error)) from error


def _check_own(path: Path) -> int:
    """Return the mode of a folder; raises unless it is one, this user's, and closed to what others write."""
    found = _status(path)
    if found is None:
        raise _unusable(path, "it was removed")
    mode = found.st_mode
    if stat.S_ISLNK(mode):
        raise ConfigurationError(
            f"{path} is a symbolic link, and hpsearch follows none there; "
            f"put a folder in its place, or {_ELSEWHERE}."
        )
    if not stat.S_ISDIR(mode):
        raise ConfigurationError(
            f"{path} is in the place of a folder, but is none; move it away, or {_ELSEWHERE}."
        )
    if found.st_uid != os.geteuid():
        raise ConfigurationError(f"The folder {path} belongs to another user of this machine; {_ELSEWHERE}.")
    # Where only its owner may remove a file, as in /tmp, others cannot replace it either.
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ConfigurationError(
            f"Everybody may write to the folder {path} (mode {mode & 0o777:03o}); "
            f"forbid it (chmod o-w {path}), or {_ELSEWHERE}."
        )
    return mode


def _check_private(path: Path, mark: str | None) -> None:
    """Refuse what ``_check_own`` does, and what is open to others, or has been filled by them."""
    mode = _check_own(path)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"The folder {path} is open to others (mode {mode & 0o777:03o}); "
            f"make it yours alone (chmod 700 {path}), or {_ELSEWHERE}."
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
    """Return the system's words; a ValueError is about a name that no file can have."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

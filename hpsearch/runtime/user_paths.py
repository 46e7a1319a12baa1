"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

from hpsearch.errors import ConfigurationError


def current_folder() -> Path | None:
    """Return the folder that this process is in; None if it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def user_path(text: str) -> Path:
    """Return a path in which ``~`` at the beginning stands for the user's home, ``~name`` for another's.

    Raises
    ------
    ConfigurationError
        If this machine knows no such home.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{text} begins with a home that is not known on this machine.") from error

"""Paths as users write them, and the current folder."""

from __future__ import annotations

from pathlib import Path

from hpsearch.errors import ConfigurationError


def current_folder() -> Path | None:
    """Return the current folder; None if it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def user_path(text: str) -> Path:
    """Return a path with a leading ``~`` or ``~name`` replaced by the home folder of the user.

    Raises
    ------
    ConfigurationError
        If the home folder is unknown on this machine.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"The home folder in {text} is unknown on this machine.") from error

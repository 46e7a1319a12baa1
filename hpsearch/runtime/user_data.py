"""The folder for a user's data on this machine: private servers, logs, marks."""

from __future__ import annotations

import os
from pathlib import Path

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_folders import own_folder
from hpsearch.runtime.user_paths import user_path


def home() -> Path:
    """Return the folder for this user's data, created with access for its owner only if missing.

    Raises
    ------
    ConfigurationError
        If it cannot be created, is a link, or belongs to another user.
    """
    # The permissions of an existing folder are not changed: it may have other uses.
    return own_folder(home_path())


def home_path() -> Path:
    """Return the path of the folder for this user's data, which may not exist.

    ``HPSEARCH_HOME``, else ``hpsearch`` in the XDG data folder (``~/.local/share``).

    Raises
    ------
    ConfigurationError
        If it is below an unknown home folder or a deleted working directory.
    """
    if named := os.environ.get("HPSEARCH_HOME"):
        path = user_path(named)
    else:
        path = user_path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "hpsearch"
    try:
        return path.absolute()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"The folder {path} is relative to the working directory, which was deleted; change to another."
        ) from error

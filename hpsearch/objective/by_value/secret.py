"""Reads the secret that coordinators and workers share."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_files import read_private

#: The environment variables that hold the secret, or name the file that does.
SECRET, SECRET_FILE = "HPSEARCH_SECRET", "HPSEARCH_SECRET_FILE"

#: The shortest secret that cannot be guessed, in bytes.
MIN_BYTES = 16

_HINT = "make one with: python -c 'import secrets; print(secrets.token_hex(32))'"


def read_secret(environ: Mapping[str, str] = os.environ, file: str | None = None) -> bytes | None:
    """Return the secret, or None when there is none.

    Parameters
    ----------
    environ : mapping
        The environment. ``HPSEARCH_SECRET_FILE`` names a file and takes precedence over
        ``HPSEARCH_SECRET``, which holds the secret itself.
    file : str, optional
        Path of the file, which takes precedence over the environment. White space around its content is
        ignored.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, other users can read it, too, or the secret is shorter than 16 bytes. The
        message never contains the secret.
    """
    place = file or environ.get(SECRET_FILE)
    if place:
        return check_secret(read_private(place, "The secret file"), f"The secret in {place}")
    text = environ.get(SECRET)
    return check_secret(text.encode("utf-8", "surrogateescape"), SECRET) if text else None


def check_secret(secret: bytes, where: str = "The secret") -> bytes:
    """Return the secret if it is long enough.

    Parameters
    ----------
    secret : bytes
        The secret.
    where : str
        Its source, for the error message.

    Raises
    ------
    ConfigurationError
        If it is shorter than 16 bytes.
    """
    if len(secret) < MIN_BYTES:
        raise ConfigurationError(f"{where} has {len(secret)} bytes, fewer than {MIN_BYTES}; {_HINT}")
    return secret

"""The secret that coordinators and workers share, and where it is found."""

from __future__ import annotations

import os
from collections.abc import Mapping

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_files import read_private

#: The environment variables that hold the secret, or name the file that does.
SECRET, SECRET_FILE = "HPSEARCH_SECRET", "HPSEARCH_SECRET_FILE"

#: Bytes below which a secret could be guessed.
MIN_BYTES = 16

_HINT = "make one with: python -c 'import secrets; print(secrets.token_hex(32))'"


def read_secret(environ: Mapping[str, str] = os.environ, file: str | None = None) -> bytes | None:
    """Return the secret, or None when there is none.

    Parameters
    ----------
    environ : mapping
        The environment: ``HPSEARCH_SECRET_FILE`` names a file, which counts first, since who
        else can read it is known; ``HPSEARCH_SECRET`` holds the secret itself.
    file : str, optional
        The file, where it was named in another way. White space around its content does
        not count.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or by others than its owner, too, or if the secret is shorter
        than 16 bytes. The secret is never part of the text.
    """
    place = file or environ.get(SECRET_FILE)
    if place:
        return checked(read_private(place, "The secret file"), f"The secret in {place}")
    text = environ.get(SECRET)
    return checked(text.encode("utf-8", "surrogateescape"), SECRET) if text else None


def checked(secret: bytes, where: str = "The secret") -> bytes:
    """Return the secret if it is long enough.

    Raises
    ------
    ConfigurationError
        If it is shorter than 16 bytes.
    """
    if len(secret) < MIN_BYTES:
        raise ConfigurationError(f"{where} has {len(secret)} bytes, fewer than {MIN_BYTES}; {_HINT}")
    return secret

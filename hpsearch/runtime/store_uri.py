"""The URI of the database, from a file or the environment."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_files import read_private

#: The environment variables with the URI, and with the name of its file.
STORE, STORE_FILE = "HPSEARCH_STORE", "HPSEARCH_STORE_FILE"


def uri_in(path: str) -> str:
    """Return the URI in a file that only its owner may read.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, other users may read it, or it does not contain exactly one line; the text
        never repeats its content.
    """
    content = read_private(path, "The store file")
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 1:
        raise ConfigurationError(f"The store file {path} must contain one line, the MongoDB URI.")
    return lines[0]


def uri_of(environ: Mapping[str, str]) -> str | None:
    """Return the URI that an environment names, None without one; a file takes precedence.

    Raises
    ------
    ConfigurationError
        As ``uri_in`` does.
    """
    path = environ.get(STORE_FILE)
    return uri_in(path) if path else environ.get(STORE) or None

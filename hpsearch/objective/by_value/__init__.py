"""Objectives by value: signed functions of a script or a notebook, for workers that do not have the file.

An objective is sent as a pickle, and unpickling runs code. So a worker unpickles only what is signed with the
secret that it shares with the script that started the search. The database is not trusted.
"""

from __future__ import annotations

from hpsearch.objective.by_value.envelope import (
    ATTACHMENT,
    MAX_ENVELOPE_BYTES,
    Destination,
    SignedObjective,
    pack,
    verify,
)
from hpsearch.objective.by_value.fingerprint import fingerprint, part_digests
from hpsearch.objective.by_value.secret import SECRET, SECRET_FILE, read_secret

__all__ = [
    "ATTACHMENT",
    "MAX_ENVELOPE_BYTES",
    "SECRET",
    "SECRET_FILE",
    "Destination",
    "SignedObjective",
    "fingerprint",
    "pack",
    "part_digests",
    "read_secret",
    "verify",
]

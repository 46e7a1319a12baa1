"""Objectives by value: functions of a script or a notebook, signed, for workers that do not have the file.

An objective travels as a pickle, which is a program: whoever unpickles runs it. So a
worker does that only for one that bears the signature of the secret which it shares
with whoever started the search; the database, and whoever writes to it, is not trusted.
"""

from __future__ import annotations

from hpsearch.objective.by_value.envelope import (
    ATTACHMENT,
    MAX_ENVELOPE_BYTES,
    Destination,
    SignedObjective,
    opened,
    pack,
    unpack,
)
from hpsearch.objective.by_value.fingerprint import fingerprint, parts
from hpsearch.objective.by_value.secret import SECRET, SECRET_FILE, read_secret

__all__ = [
    "ATTACHMENT",
    "MAX_ENVELOPE_BYTES",
    "SECRET",
    "SECRET_FILE",
    "Destination",
    "SignedObjective",
    "fingerprint",
    "opened",
    "pack",
    "parts",
    "read_secret",
    "unpack",
]

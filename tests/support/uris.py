"""Addresses of databases on the shared server."""

from __future__ import annotations


def url_of(mongo_uri: str, database: str) -> str:
    """Return the address of a database on the shared server, in MongoDB's form."""
    head, _, options = mongo_uri.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{options}"

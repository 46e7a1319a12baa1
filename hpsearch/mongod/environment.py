"""The environment of the processes that outlive their starter: the server and its keeper."""

from __future__ import annotations

from collections.abc import Mapping


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without hpsearch's variables.

    Neither process reads one, and some hold what must not lie about in a process that runs for
    days: the secret, the address of a database with its password, or the file of either.
    """
    return {name: value for name, value in environment.items() if not name.upper().startswith("HPSEARCH_")}

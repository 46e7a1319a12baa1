"""Collects the facts about this machine, without changing anything."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import platform
import re
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import hpsearch
from hpsearch.diagnosis.machine_findings import THREAD_VARIABLES, Machine
from hpsearch.errors import ConfigurationError
from hpsearch.objective.by_value.secret import SECRET, SECRET_FILE, read_secret
from hpsearch.runtime.numerics import thread_counts
from hpsearch.runtime.private_folders import is_shared

_REQUIREMENT = re.compile(r"^([\w.-]+).*?(?:;.*extra\s*==\s*['\"]([\w-]+)['\"])?$")

#: Extras for the development of hpsearch.
_INTERNAL = {"dev", "bench", "all"}


def inspect_machine(
    *,
    mongod: str | None,
    mongod_fault: str | None,
    mongosh: str | None,
    home: Path | None,
    home_faults: Sequence[str],
) -> Machine:
    """Return the facts about this machine.

    Parameters
    ----------
    mongod : str, optional
        Path of the server program.
    mongod_fault : str, optional
        Why the program that HPSEARCH_MONGOD names cannot be used.
    mongosh : str, optional
        Path of the Mongo shell.
    home : Path, optional
        The folder for this user's data.
    home_faults : sequence of str
        Why it, or a folder in it, cannot be used.
    """
    secret_fault = _secret_fault()
    return Machine(
        python=f"{platform.python_version()} ({platform.python_implementation()}) at {sys.executable}",
        system=platform.platform(),
        packages=_versions(),
        extras=_extras(),
        n_cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        start_method=multiprocessing.get_start_method(),
        algebra_threads=[get() for get, _ in thread_counts()],
        threads={name: os.environ[name] for name in THREAD_VARIABLES if os.environ.get(name)},
        mongod=mongod,
        mongod_fault=mongod_fault,
        mongosh=mongosh,
        home=str(home),
        home_faults=home_faults,
        home_is_shared=home is not None and is_shared(home),
        secret=None if secret_fault else _secret_place(),
        secret_fault=secret_fault,
    )


def _requirements() -> list[tuple[str, str | None]]:
    """Return the name of each package that hpsearch requires, and the extra that requires it."""
    found = (_REQUIREMENT.match(text) for text in importlib.metadata.requires("hpsearch") or ())
    return [(match[1], match[2]) for match in found if match]


def _versions() -> Mapping[str, str]:
    core = [name for name, extra in _requirements() if extra is None]
    return {"hpsearch": hpsearch.__version__, **{name: _version(name) or "missing" for name in core}}


def _extras() -> Mapping[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra is not None and extra not in _INTERNAL:
            wanted.setdefault(extra, []).append(name)
    return {extra: [n for n in names if _version(n) is None] for extra, names in wanted.items()}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _secret_fault() -> str | None:
    try:
        read_secret()
    except ConfigurationError as error:
        return str(error).rstrip(".")
    return None


def _secret_place() -> str | None:
    if place := os.environ.get(SECRET_FILE):
        return f"the file {place}"
    return f"the variable {SECRET}" if os.environ.get(SECRET) else None

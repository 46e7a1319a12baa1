"""The oldest versions that pyproject.toml allows, as constraints for pip.

``python scripts/lowest.py`` prints one line for each dependency of the package and of its extras, except
``test``, ``dev`` and ``docs``, and for each requirement in ``[tool.lowest]``.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement


def main() -> None:
    """Print the constraints."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())
    project = settings["project"]
    texts = [*project["dependencies"], *settings["tool"]["lowest"]["indirect"]]
    for extra, requirements in project["optional-dependencies"].items():
        texts += requirements if extra not in {"test", "dev", "docs"} else ()
    sys.stdout.writelines(f"{line}\n" for line in constraints(texts))


def constraints(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lowest version of each requirement that has one.

    Raises
    ------
    ValueError
        If a requirement of another package has no lower bound.
    """
    for requirement in map(Requirement, sorted(set(texts))):
        if requirement.name == "hpsearch":
            continue
        bounds = [part.version for part in requirement.specifier if part.operator in {">=", "==", "~="}]
        if not bounds:
            raise ValueError(f"{requirement} has no lower bound in pyproject.toml")
        marker = f"; {requirement.marker}" if requirement.marker else ""
        yield f"{requirement.name}=={bounds[0]}{marker}"


if __name__ == "__main__":
    main()

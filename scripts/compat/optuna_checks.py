"""Studies of several versions of Optuna, read by us and by Optuna."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from compat.environments import clean_environment, python_of

_CHECK = Path(__file__).parent / "optuna" / "check.py"

#: The packages of each version's environment.
VERSIONS: Mapping[str, tuple[str, ...]] = {
    "optuna-4": ("optuna==4.5.0",),
    "optuna-5": ("optuna==5.0.0",),
}


def run(names: Sequence[str]) -> int:
    """Compare with each named version, or with all; return how many fail."""
    n_failed = 0
    for version, requirements in VERSIONS.items():
        if not names or version in names:
            command = [python_of(version, requirements), _CHECK]
            n_failed += subprocess.run(command, check=False, env=clean_environment()).returncode != 0
    return n_failed

"""Searches that are mirrored to MLflow and TensorBoard, and read back by these."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from compat.environments import clean_environment, python_of

_SCRIPTS = Path(__file__).parent / "mirrors"

#: The packages of each tool's environment.
TOOLS: Mapping[str, tuple[str, ...]] = {
    "mlflow": ("mlflow-skinny==3.17.2",),
    "tensorboard": ("tensorboard==2.21.0", "tensorboardX==2.6.5"),
}


def run(names: Sequence[str]) -> int:
    """Check each named tool, or all; return how many fail."""
    n_failed = 0
    for tool, requirements in TOOLS.items():
        if not names or tool in names:
            command = [python_of(tool, requirements), _SCRIPTS / f"with_{tool}.py"]
            n_failed += subprocess.run(command, check=False, env=clean_environment()).returncode != 0
    return n_failed

"""The callbacks of ``hpsearch.callbacks`` in trainings with the real libraries."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from compat.environments import clean_environment, python_of

_SCRIPTS = Path(__file__).parent / "callbacks"

#: The packages of each library's environment.
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "xgboost": ("xgboost-cpu==3.2.0", "scikit-learn"),
    "lightgbm": ("lightgbm==4.7.0", "scikit-learn"),
    "catboost": ("catboost==1.2.10",),
    "keras": ("keras==3.15.1", "jax"),
    "lightning": ("torch", "lightning==2.6.6"),
    "transformers": ("torch", "transformers==5.24.0", "accelerate==1.15.0"),
}


def run(names: Sequence[str]) -> int:
    """Train with each named library, or with all; return how many fail."""
    n_failed = 0
    for library, requirements in LIBRARIES.items():
        if not names or library in names:
            script = _SCRIPTS / f"with_{library}.py"
            done = subprocess.run(
                [python_of(library, requirements), script], check=False, env=clean_environment()
            )
            n_failed += done.returncode != 0
    return n_failed

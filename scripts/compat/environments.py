"""Virtual environments for what is compared, each made once in the ignored folder ``.compat``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Where environments, and nothing else, are kept from one run to the next.
FOLDER = ROOT / ".compat"


def python_of(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment with these packages and with this checkout of hpsearch.

    Made, or made again, when the list differs from that of the last time.
    """
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / ".requirements"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Installing {', '.join(requirements)} into {folder} ...", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--no-input",
        "--disable-pip-version-check",
    ]
    # hpsearch comes last and without its requirements' say: a library decides about NumPy here, as
    # it does where its users install it.
    subprocess.run([*pip, *requirements], check=True, stdout=sys.stderr)
    subprocess.run([*pip, "--editable", f"{ROOT}[pickle]"], check=True, stdout=sys.stderr)
    stamp.write_text(wanted)
    return python


def clean_environment(**more: str) -> dict[str, str]:
    """Return the variables for a child process: quiet libraries, one thread each."""
    calm = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **calm, **more}

"""Scripts in the style of Hyperopt's users print the same with our package and with Hyperopt.

Each prints only what does not depend on random numbers. Hyperopt runs in a separate process, with this
Python or the one in ``HYPEROPT_PYTHON``.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def printed(*command: Any) -> list[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_prints_the_same_with_hyperopt(script: Any, hyperopt_python: str) -> None:
    ours = printed(sys.executable, "-m", "hpsearch.hyperopt", script)
    theirs = [line for line in printed(hyperopt_python, script) if not line.startswith("job exception")]
    assert ours == theirs


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.long
def test_a_script_runs_unchanged(script: Any) -> None:
    assert printed(sys.executable, "-m", "hpsearch.hyperopt", script)

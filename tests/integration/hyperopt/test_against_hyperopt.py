"""Scripts as Hyperopt's users write them print the same under our package and under Hyperopt itself.

Each prints only what does not hang on random numbers. Hyperopt runs in a process of its own,
with this Python or the one that ``HYPEROPT_PYTHON`` names.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def printed(*command):
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_prints_what_it_prints_under_hyperopt(script, hyperopt_python) -> None:
    ours = printed(sys.executable, "-m", "hpsearch.hyperopt", script)
    theirs = [line for line in printed(hyperopt_python, script) if not line.startswith("job exception")]
    assert ours == theirs


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_unchanged(script) -> None:
    assert printed(sys.executable, "-m", "hpsearch.hyperopt", script)

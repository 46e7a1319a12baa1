"""Scripts in the style of Hyperopt's users print the same with our package and with Hyperopt.

Each prints only what does not depend on random numbers. Hyperopt runs in a separate process, with this
Python or the one in ``HYPEROPT_PYTHON``.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))

#: Runs scripts one after the other, and prints the lines of each: the imports take longer than the scripts.
RUN_ALL = """
import contextlib, io, json, runpy, sys

printed = {}
for script in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(script, run_name="__main__")
    printed[script] = out.getvalue().splitlines()
print(json.dumps(printed))
"""


def outputs(*commands: list[Any]) -> list[str]:
    """Run commands at the same time, and return what each prints."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}

    def run(command: list[Any]) -> str:
        words = [*map(str, command)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=500, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor(len(commands)) as threads:
        return list(threads.map(run, commands))


def test_scripts_print_the_same_with_hyperopt(hyperopt_python: str, tmp_path: Path) -> None:
    run_all = tmp_path / "run_all.py"
    run_all.write_text(RUN_ALL)
    printed = outputs(
        [sys.executable, "-m", "hpsearch.hyperopt", run_all, *SCRIPTS],
        [hyperopt_python, run_all, *SCRIPTS],
    )
    ours, theirs = (json.loads(text.splitlines()[-1]) for text in printed)
    assert len(ours) == len(SCRIPTS)
    for script, lines in ours.items():
        assert lines == [line for line in theirs[script] if not line.startswith("job exception")], script


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.long
def test_a_script_runs_unchanged(script: Any) -> None:
    assert outputs([sys.executable, "-m", "hpsearch.hyperopt", script]) != [""]

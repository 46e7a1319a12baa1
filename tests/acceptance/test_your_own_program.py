"""The examples of the manual's page about your own program, as they are written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from hpsearch.core.trial import State
from tests.support.documentation import REPOSITORY
from tests.support.fleet import Fleet

PAGE = (REPOSITORY / "docs" / "your-own-program.md").read_text()

SPACE = """
[space]
lr = { dist = "loguniform", low = 1e-5, high = 1e-1 }
units = { dist = "quniform", low = 16, high = 256, q = 16 }
amp = { choice = [true, false] }
"""


def block(language: str, first: str) -> str:
    """Return a block of the page that begins with some text."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    [text] = [text for text in found if text.startswith(first)]
    return text


def run(fleet: Fleet, *command: str) -> None:
    """Run a program of the user, who has hpsearch on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=fleet.folder,
        env={**fleet.environment(), "PATH": path},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


def test_the_example_of_a_command_runs(fleet: Fleet) -> None:
    (fleet.folder / "space.toml").write_text(SPACE)
    (fleet.folder / "train.py").write_text("import sys\nprint(float(sys.argv[2]))\n")
    line = block("bash", "hpsearch run")
    run(fleet, "bash", "-ec", line.replace("--max-evals 100 --workers 4", "--max-evals 2"))
    assert [trial.loss == trial.params["lr"] for trial in fleet.trials("train")] == [True, True]


def test_the_example_in_python_runs(fleet: Fleet) -> None:
    code = block("python", "import hpsearch").replace("mongodb://db.example/hpsearch", fleet.uri)
    run(fleet, sys.executable, "-c", code.replace("max_evals=100", "max_evals=3"))
    assert [trial.state for trial in fleet.trials("cifar")] == [State.DONE] * 3


def test_the_example_for_a_shell_runs(fleet: Fleet) -> None:
    (fleet.folder / "space.toml").write_text(SPACE)
    program = fleet.folder / "train"
    program.write_text('#!/bin/sh\necho "$2"\n')
    program.chmod(0o755)
    for _ in range(2):
        run(fleet, "bash", "-ec", block("bash", "trial="))
    assert [trial.loss == trial.params["lr"] for trial in fleet.trials("cifar")] == [True, True]

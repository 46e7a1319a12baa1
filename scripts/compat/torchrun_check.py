"""A search whose trials are trainings in two processes, started by the real torchrun."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from compat.environments import clean_environment, python_of

_TRAIN = Path(__file__).parent / "torchrun" / "train.py"

#: PyTorch for CPUs, from where pip finds it.
_REQUIREMENTS = ("torch>=2.2", "numpy")

_SPACE = """
[space.lr]
dist = "loguniform"
low = 0.01
high = 1.0
"""


def run(names: Sequence[str]) -> int:
    """Search with three trials, and return how many promises are broken; there is nothing to choose."""
    torchrun = python_of("torchrun", _REQUIREMENTS).parent / "torchrun"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "space.toml").write_text(_SPACE)
        hpsearch = [sys.executable, "-m", "hpsearch"]
        environment = clean_environment(HPSEARCH_HOME=folder)
        search = ["run", "--space", "space.toml", "--max-evals", "3", "--exp-key", "two", "--algo", "random"]
        command = [str(torchrun), "--standalone", "--nproc-per-node", "2", str(_TRAIN), "--lr", "{lr}"]
        try:
            subprocess.run([*hpsearch, *search, "--", *command], check=True, cwd=folder, env=environment)
            export = [*hpsearch, "export", "two", "--output", "trials.jsonl"]
            subprocess.run(export, check=True, cwd=folder, env=environment)
            lines = (Path(folder) / "trials.jsonl").read_text().splitlines()
        finally:
            subprocess.run([*hpsearch, "db", "stop"], check=False, cwd=folder, env=environment)
    trials = [json.loads(line) for line in lines]
    wrong = [trial for trial in trials if not _is_right(trial)]
    print(f"torchrun: {len(trials)} trials, {len(wrong)} wrong")
    return len(wrong) + abs(len(trials) - 3)


def _is_right(trial: dict[str, object]) -> bool:
    """Whether a trial has the loss of both processes, and each report once."""
    result, reports = trial["result"], trial["reports"]
    assert isinstance(result, dict)
    assert isinstance(reports, list)
    return (
        trial["state"] == "done"
        and result["world"] == 2
        and [report["step"] for report in reports] == [0, 1, 2]
        and reports[-1]["value"] == trial["loss"]
    )

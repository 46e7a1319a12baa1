"""Commands as objectives: real programs, run by real workers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.core.trial import FailureKind, State, Trial
from tests.support.command_line import Call
from tests.support.fleet import Fleet, wait_for_exit
from tests.support.waiting import wait_until

HOSTILE = 'a b\'; touch hacked; "$(touch hacked)" {x}'

#: Does what the parameter ``mode`` says.
PROGRAM = """
import json, os, signal, subprocess, sys
mode, rest = sys.argv[1], sys.argv[2:]
match mode:
    case "number":
        print(json.dumps({"step": 1, "value": 0.5}), flush=True)
        print("0.25")
        print(json.dumps({"step": 2, "value": 0.4}))
    case "json":
        with open("model.bin", "wb") as file:
            file.write(b"weights")
        print(json.dumps({"loss": 1, "rest": rest, "seed": os.environ["HPSEARCH_SEED"],
                          "uri": os.environ.get("HPSEARCH_STORE"), "attachments": {"model": "model.bin"}}))
    case "file":
        with open(os.environ["HPSEARCH_RESULT"], "w") as file:
            file.write(open(os.environ["HPSEARCH_CONFIG"]).read())
        print("99% |######   | it/s")
    case "text":
        print("done: loss=0.5")
    case "exit":
        print(3)
        sys.exit(4)
    case "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    case "nan":
        print("nan")
    case "noise":
        os.write(1, os.urandom(300_000) + b"\\n7\\n")
    case "ranks":  # as torchrun starts them: only one reports
        code = "import hpsearch, sys; sys.argv[1] == '0' and hpsearch.current_trial().report(5, 0.125)"
        ranks = [subprocess.Popen([sys.executable, "-c", code, str(rank)]) for rank in range(2)]
        print(sum(rank.wait() for rank in ranks))
    case _:
        print(8)
"""

MODES = ["number", "json", "file", "text", "exit", "signal", "nan", "noise", "ranks", HOSTILE]

TEMPLATE = '{"loss": 0.75, "mode": "{mode}", "missing": {momentum}}'


def save_space(folder: Path, modes: list[str]) -> None:
    """Write a finite space with a point for each mode, and the program."""
    momentum = {"choice": [{"m": {"dist": "randint", "low": 1, "high": 2, "label": "momentum"}}]}
    space = {"mode": {"choice": modes}, "flag": {"choice": [True]}, "nested": momentum}
    (folder / "space.json").write_text(json.dumps({"space": space}))
    (folder / "program.py").write_text(PROGRAM)


def test_a_command_is_searched(fleet: Fleet) -> None:
    """Each result protocol, each kind of failure, and an option that a shell would run."""
    save_space(fleet.folder, MODES)
    (fleet.folder / "config.json").write_text(TEMPLATE)
    command = [sys.executable, "program.py", "{mode}", "{?flag:--flag}", "-m", "{momentum}", "{tid}"]
    options = ["--space", "space.json", "--config-template", "config.json", "--no-repeats"]

    done = fleet.call("run", *options, "--", *command)

    assert done.returncode == 0, done.stderr
    found = {trial.params["mode"]: trial for trial in fleet.trials("program")}
    assert found.keys() == set(MODES)
    assert {mode: trial.loss for mode, trial in found.items() if trial.state is State.DONE} == {
        "number": 0.25, "json": 1.0, "file": 0.75, "noise": 7.0, "ranks": 0.0, HOSTILE: 8.0,
    }  # fmt: skip
    assert _steps(found["number"]) == [(1, 0.5), (2, 0.4)]
    assert _steps(found["ranks"]) == [(5, 0.125)]
    result = found["json"].result
    assert result["rest"] == ["--flag", "-m", "1", str(found["json"].tid)]
    assert result["uri"] is None
    assert int(result["seed"]) >= 0
    assert found["file"].result["missing"] == 1
    kinds = {mode: trial.error.kind for mode, trial in found.items() if trial.state is State.FAILED}
    assert kinds == {
        "text": FailureKind.INVALID_RESULT, "exit": FailureKind.EXIT, "signal": FailureKind.SIGNAL,
        "nan": FailureKind.NAN,
    }  # fmt: skip
    assert (found["exit"].error.exit_code, found["signal"].error.signal) == (4, "SIGSEGV")
    assert "its last line is 'done: loss=0.5'" in found["text"].error.message
    assert "done: loss=0.5" in found["text"].error.log_tail
    assert not (fleet.folder / "hacked").exists()
    listed = fleet.call("attachments", "list", "program", str(found["json"].tid))
    assert "model" in listed.stdout


def test_a_worker_runs_no_command_of_strangers(fleet: Fleet, tmp_path: Path) -> None:
    """A worker elsewhere must be started with a pattern that the command matches."""
    save_space(fleet.folder, ["number"])
    coordinator = fleet.start(
        "coordinator", "--space", "space.json", "--no-repeats", "--", "python", "program.py", "{mode}"
    )
    wait_until(lambda: fleet.trials("program"), "a trial")
    elsewhere = {"HPSEARCH_HOME": str(tmp_path / "elsewhere")}

    def refused(*allow: str) -> str:
        worker = fleet.worker("--exp-key", "program", *allow, **elsewhere)
        assert wait_for_exit(worker) == 65
        return fleet.output(worker)

    assert (
        "a command that was not begun by this user on this machine: python program.py '{mode}'" in refused()
    )
    assert "no --allow pattern matches" in refused("--allow", "command:python other.py *")
    fleet.worker("--exp-key", "program", "--allow", "command:python program.py *", **elsewhere)
    assert wait_for_exit(coordinator) == 0


@pytest.mark.long
def test_a_command_may_save_its_work_when_its_worker_leaves(fleet: Fleet) -> None:
    (fleet.folder / "space.toml").write_text('[space.x]\ndist = "uniform"\nlow = 0\nhigh = 1\n')
    script = "trap 'echo saved > saved; exit 1' TERM; echo at work > started; while :; do sleep 0.05; done"
    (fleet.folder / "train.sh").write_text(script)
    fleet.start("coordinator", "--space", "space.toml", "--", "sh", "train.sh", "{x}")
    wait_until(lambda: fleet.trials("train"), "a trial")
    worker = fleet.start("worker", "--exp-key", "train", "--drain-timeout", "0s")
    wait_until((fleet.folder / "started").exists, "the start of the command")
    worker.send_signal(signal.SIGTERM)
    assert wait_for_exit(worker) == 0
    assert (fleet.folder / "saved").exists()
    [trial] = [one for one in fleet.trials("train") if one.attempt]
    assert trial.state is State.PENDING


@pytest.mark.long
def test_a_program_in_c_is_searched(fleet: Fleet) -> None:
    """A relative path of a program, and a number format."""
    source = (
        "#include <stdio.h>\n#include <stdlib.h>\n"
        'int main(int n, char **words) { printf("%g\\n", 2 * atof(words[1])); return 0; }\n'
    )
    (fleet.folder / "solve.c").write_text(source)
    subprocess.run(["cc", "solve.c", "-o", "solve"], cwd=fleet.folder, check=True)
    (fleet.folder / "space.toml").write_text('[space.x]\ndist = "loguniform"\nlow = 1e-3\nhigh = 1\n')
    done = fleet.call("run", "--space", "space.toml", "--max-evals", "2", "--", "./solve", "{x:.2e}")
    assert done.returncode == 0, done.stderr
    for trial in fleet.trials("solve"):
        assert trial.loss == pytest.approx(2 * trial.params["x"], rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--", "python", "t.py", "{x}"], 2, "is a command, which needs its search space"),
        (["a b"], 2, "A function is file.py:name or package.module:name."),
        (["--space", "space.toml", "--", "nothing-here", "{x}"], 65, "no program 'nothing-here'"),
        (["--space", "space.toml", "--", "sh", "-c", "train {x}"], 78, "The shell would interpret"),
        (["--space", "space.toml", "--", "sh", "t", "{xx}"], 78, "There is no parameter for {xx}"),
        (["--space", "space.toml", "--", "sh", "t", "{x:d}"], 78, "{x:d} does not fit"),
        (["search.py", "--config-template", "space.toml"], 2, "--config-template belongs to a command"),
    ],
)
def test_a_wrong_command_is_refused_before_the_search_begins(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, call: Call, arguments: list[str], code: int, words: str
) -> None:
    (fleet.folder / "space.toml").write_text('[space.x]\ndist = "uniform"\nlow = 0\nhigh = 1\n')
    monkeypatch.chdir(fleet.folder)
    outcome = call("run", *arguments)
    assert outcome.code == code
    assert words in outcome.err


def _steps(trial: Trial) -> list[tuple[float, float]]:
    return [(report.step, report.value) for report in trial.reports]

"""Every shell command in the README and the manual runs, with the options that are written there."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from hpsearch.mongod import private_mongod
from hpsearch.mongod.directory import MONGOD
from tests.support.documentation import REPOSITORY, shell_lines
from tests.support.fleet import Fleet, start_process, wait_for_exit
from tests.support.waiting import wait_until

FLEET_PAGE = REPOSITORY / "docs" / "fleet.md"
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
    REPOSITORY / "worker" / "README.md",
    REPOSITORY / "scripts" / "deploy" / "README.md",
]

#: Beginnings of lines that no test executes, and why.
NOT_EXECUTED = {
    "docker ": "needs a Docker engine; tests/unit/test_compose.py checks the files",
    "hpsearch fleet ": "needs hosts; tests/acceptance/test_fleet.py runs the commands",
    "hpsearch mirror ": "needs MLflow or TensorBoard; scripts/compat mirrors runs what the command does",
    "kubectl ": "needs a Kubernetes cluster; tests/unit/deploy/test_kubernetes.py checks the manifests",
    "systemctl ": "needs systemd as process 1; tests/unit/deploy/test_systemd.py checks the units",
    "useradd ": "creates a user of the machine",
    "install -d": "writes to /srv and /etc",
    "cp systemd/": "writes to /etc",
    "python3 -m venv ": "is followed by an installation from a package index",
    ".venv/bin/pip install ": "needs a package index",
    ". .venv/bin/activate": "changes only the shell of the user",
    "scripts/quickstart": "installs from a package index; the command that it runs is executed",
    "scripts/test": "is what runs these tests",
}

#: Beginnings of lines that other tests execute.
EXECUTED_ELSEWHERE = {
    **dict.fromkeys(
        (
            "hpsearch run --space space.toml",
            "trial=",
            "tid=",
            "export HPSEARCH_OWNER=",
            "hpsearch tell cifar",
        ),
        "tests/acceptance/test_your_own_program.py",
    ),
    "export HPSEARCH_SECRET=": "tests/acceptance/test_readme.py",
    "hpsearch-mongo-worker ": "tests/acceptance/test_readme.py",
    "python search_cv.py": "tests/acceptance/test_search_cv_fleet.py",
    "hpsearch import-optuna ": "tests/integration/cli/test_import_optuna.py",
    "mongosh ": "tests/integration/store/test_mongo_shell.py",
    "python -m hpsearch.hyperopt tune.py": "tests/acceptance/test_readme.py",
    "python scripts/examples/convnet/": "tests/acceptance/test_convnet.py",
}

#: Beginnings of lines that take many minutes: their options are looked up in the help of the program.
MEASUREMENTS = ("python scripts/bench/", "scripts/faults ")

SCRIPT = """
from hyperopt import fmin, hp, rand

print(fmin(lambda x: x**2, hp.uniform("x", -1, 1), algo=rand.suggest, max_evals=3, show_progressbar=False))
"""

#: Lets the first 20 calls of an objective return, and the others once the test has made a file.
WAIT = """
    pathlib.Path(f"call-{uuid.uuid4()}").touch()
    while len(list(pathlib.Path().glob("call-*"))) > 20 and not pathlib.Path("go_on").exists():
        time.sleep(0.5)
"""


def is_executed_here(line: str) -> bool:
    return not line.startswith((*NOT_EXECUTED, *EXECUTED_ELSEWHERE, *MEASUREMENTS))


def python_block(page: Path, name: str) -> str:
    """Return the Python block of a page that begins with the name of a file."""
    [source] = re.findall(rf"^```python\n(# {name}\n.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return str(source)


@dataclass
class Shell:
    """A folder and an environment in which lines are executed one after the other."""

    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, line: str) -> str:
        """Execute a line, keep the variables that it exports, and return its output."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{line}\nenv --null >.environment"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        pairs = (self.folder / ".environment").read_text().split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if pair)
        return done.stdout

    def start(self, line: str) -> subprocess.Popen[str]:
        """Start a line that runs until it is stopped."""
        return start_process(shlex.split(line), self.folder, self.environment, self.processes)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a folder as the pages assume it: a clone with an environment, and the search of the README."""
    programs = Path(sys.executable).parent
    (tmp_path / ".venv").symlink_to(programs.parent)
    (tmp_path / "scripts").symlink_to(REPOSITORY / "scripts")
    (tmp_path / "search.py").write_text(python_block(REPOSITORY / "README.md", "search.py"))
    (tmp_path / "script.py").write_text(SCRIPT)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HPSEARCH_")}
    home = {"HPSEARCH_HOME": str(tmp_path / "home"), "PATH": f"{programs}:{os.environ['PATH']}"}
    return Shell(tmp_path, {**clean, **home})


def test_every_reason_not_to_execute_a_line_is_needed() -> None:
    lines = [line for page in PAGES for line in shell_lines(page)]
    beginnings = (*NOT_EXECUTED, *EXECUTED_ELSEWHERE, *MEASUREMENTS)
    assert [start for start in beginnings if not any(line.startswith(start) for line in lines)] == []


def test_the_readme_has_no_fleet_command_that_the_page_about_fleets_lacks() -> None:
    fleet = [line for line in shell_lines(REPOSITORY / "README.md") if is_on_fleet(line)]
    assert len(fleet) >= 4
    assert set(fleet) <= set(shell_lines(FLEET_PAGE))


def is_on_fleet(line: str) -> bool:
    return line.startswith(("export HPSEARCH_STORE=", "hpsearch coordinator ", "hpsearch worker "))


def smaller(line: str, numbers: Mapping[str, int]) -> str:
    """Return a line with other values of the given options, where it has them."""
    for option, number in numbers.items():
        line = re.sub(rf"(?<=--{option} )\d+", str(number), line)
    return line


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        ([REPOSITORY / "README.md"], {"max-evals": 4, "workers": 1}),
        pytest.param(PAGES, {}, marks=pytest.mark.long),
    ],
    ids=["README with few trials", "all pages as written"],
)
@pytest.mark.timeout(1800)  # for many commands in turn
def test_the_commands_for_one_machine_run(
    shell: Shell, pages: Sequence[Path], numbers: Mapping[str, int]
) -> None:
    """On a private MongoDB, in the order of the pages; a line that several pages have runs once."""
    lines = dict.fromkeys(line for page in pages if page != FLEET_PAGE for line in shell_lines(page))
    executed = [line for line in lines if is_executed_here(line) and not is_on_fleet(line)]
    # In use by the test, the server need not start again for each command.
    with private_mongod(Path(shell.environment["HPSEARCH_HOME"]) / MONGOD):
        output = {line: shell.run(smaller(line, numbers)) for line in executed}
    assert "best loss" in output["hpsearch run search.py --max-evals 100 --workers 4"]
    assert "'x':" in shell.run("python script.py"), "the script after `sed`"


@pytest.mark.long
def test_the_commands_for_a_fleet_run(fleet: Fleet, shell: Shell) -> None:
    """MongoDB is that of this test; most trials wait, so that the search does not end."""
    source = (shell.folder / "search.py").read_text()
    waiting = source.replace("    return", f"{WAIT}    return")
    assert waiting != source
    (shell.folder / "search.py").write_text(f"import pathlib, time, uuid\n{waiting}")
    export, *others = filter(is_executed_here, shell_lines(FLEET_PAGE))
    shell.run(export)
    shell.environment["HPSEARCH_STORE"] = fleet.uri
    started = [shell.start(line) for line in others if is_on_fleet(line)]
    try:
        wait_until(lambda: len(fleet.trials()) > 17, "trial 17")
        wait_until(lambda: any(t.state is State.DONE for t in fleet.trials()), "a loss")
        output = {line: shell.run(line) for line in others if not is_on_fleet(line)}
        assert "search" in output["hpsearch status"]
        assert output["hpsearch workers"].count("\n") >= 2
        assert "paused" in shell.run("hpsearch status")
        (shell.folder / "go_on").touch()
        shell.run("hpsearch stop search")
        coordinator, *workers = started
        assert wait_for_exit(coordinator) == 0
        for worker in workers:
            worker.terminate()
        assert [wait_for_exit(worker) for worker in workers] == [0, 0]
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def measurements() -> dict[tuple[str, ...], set[str]]:
    """Return the options in the lines of each program that measures."""
    options: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for line in {line for page in PAGES for line in shell_lines(page) if line.startswith(MEASUREMENTS)}:
        program, *words = shlex.split(line)
        start = (words[0],) if program == "python" else ("-m", "tests.faults")
        options[start] |= {word for word in words if word.startswith("--")}
    return options


@pytest.mark.long
@pytest.mark.parametrize("start", sorted(measurements()), ids=" ".join)
def test_the_options_of_a_measurement_exist(start: tuple[str, ...]) -> None:
    """They take many minutes each, so that they are not executed."""
    done = subprocess.run(
        [sys.executable, *start, "--help"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    assert {option for option in measurements()[start] if option not in done.stdout} == set()

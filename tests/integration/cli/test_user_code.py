"""Search files with side effects: the commands work and end whatever the import does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.trial import State
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, Outcome, wait_for_running
from tests.support.waiting import wait_until

#: Names of modules that Python, hpsearch or its libraries import at some time.
TAKEN = """
token types logging calendar platform email signal select http uuid random numpy click bson hpsearch
hpsearch_worker pymongo gridfs scipy rich queue secrets string struct copy io os re enum typing json
pickle socket ssl asyncio inspect ast tokenize heapq bisect numbers decimal statistics tempfile shutil
subprocess threading contextlib functools operator warnings traceback linecache codecs locale time math
abc importlib runpy pkgutil multiprocessing concurrent dataclasses collections weakref datetime hashlib
"""

SEARCH = """
import multiprocessing, os, sys
import beside_search
from hpsearch import hp

space = {"x": hp.uniform("x", -1, 1)}

def objective(config):
    import beside_too
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        loss = pool.apply(beside_search.square, (config["x"],))
    return {"loss": loss, "path": os.environ.get("PYTHONPATH")}
"""


SIMPLE = """
from hpsearch import hp

space = {"x": hp.uniform("x", -1, 1)}

def objective(config):
    return config["x"] ** 2
"""


@pytest.fixture
def run(uri: str, folder: Path) -> Call:
    """Run ``hpsearch ARGUMENTS`` in the user's folder, which is not on ``sys.path`` of the command."""

    def call(*arguments: str, timeout_s: float = 60, **environment: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "hpsearch", *arguments],
            cwd=folder,
            env={**os.environ, "HPSEARCH_STORE": uri, "HPSEARCH_HOME": str(folder / "home"), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


def with_modules(folder: Path, names: list[str]) -> None:
    (folder / "search.py").write_text(SEARCH)
    (folder / "beside_search.py").write_text("def square(x):\n    return x**2\n")
    (folder / "beside_too.py").write_text("")
    for name in names:
        (folder / f"{name}.py").write_text("VOCABULARY = ['a', 'b']\n")


def test_modules_of_the_users_folder_shadow_no_library(run: Call, folder: Path, store: MongoStore) -> None:
    """The coordinator, workers, evaluating processes and the keeper of a private server."""
    with_modules(folder, TAKEN.split())
    (folder / "more").mkdir()
    done = run("run", "search.py", "--max-evals", "1", PYTHONPATH=str(folder / "more"))
    assert done.code == 0, done.err
    [trial] = store.trials("search")
    assert trial.loss == pytest.approx(trial.values["x"] ** 2)
    assert trial.result["path"] == str(
        folder / "more"
    )  # set by the user for child processes of the objective
    private = run("run", "search.py", "--max-evals", "1", "--ephemeral", HPSEARCH_STORE="")
    assert private.code == 0, private.err


@pytest.mark.long
def test_modules_of_the_users_folder_shadow_no_library_under_python_m(
    store: MongoStore, folder: Path, uri: str
) -> None:
    """Except modules that Python imports before hpsearch."""
    with_modules(
        folder, ["token", "logging", "calendar", "select", "http", "random", "numpy", "click", "bson"]
    )
    environment = {**os.environ, "HPSEARCH_STORE": uri}
    with subprocess.Popen(
        [sys.executable, "-m", "hpsearch", "coordinator", "search.py"], cwd=folder, env=environment
    ) as coordinator:
        wait_until(lambda: store.counts("search")[State.PENDING], "a suggestion")
        worker = subprocess.run(
            [sys.executable, "-m", "hpsearch", "worker", "--max-trials", "1"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        coordinator.send_signal(signal.SIGINT)
    assert (worker.returncode, coordinator.returncode) == (0, 130), worker.stderr


def test_the_error_names_a_module_that_an_installed_one_hides(run: Call, folder: Path) -> None:
    (folder / "search.py").write_text("from select import best\n")
    (folder / "select.py").write_text("best = 1\n")
    refused = run("run", "search.py")
    assert refused.code == 65
    assert "'select'" in refused.err
    assert "rename it" in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.long
def test_a_search_file_may_delete_its_working_folder(run: Call, folder: Path) -> None:
    (folder / "search.py").write_text(
        f"import os, tempfile\ndeleted = tempfile.mkdtemp(); os.chdir(deleted); os.rmdir(deleted)\n{SIMPLE}"
    )
    done = run("run", "search.py", "--max-evals", "1")
    assert done.code == 0, done.err


@pytest.mark.long
def test_a_search_starts_in_a_deleted_folder(folder: Path) -> None:
    """The command uses a private server, which outlives it."""
    (folder / "search.py").write_text(SIMPLE)
    deleted = folder / "deleted"
    deleted.mkdir()
    script = (
        f"cd {deleted} && rmdir {deleted} && exec {sys.executable} -P -m hpsearch run {folder / 'search.py'}"
        " --max-evals 1 --ephemeral"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={**os.environ, "HPSEARCH_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def unstartable(folder: Path) -> str:
    """A folder for PYTHONPATH with a broken package of the worker."""
    broken = folder / "broken" / "hpsearch_worker"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('no such luck')\n")
    return str(broken.parent)


@pytest.mark.parametrize("n", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_a_local_worker_that_cannot_start_ends_the_search_with_its_error(
    run: Call, folder: Path, unstartable: str, n: str
) -> None:
    refused = run("run", "search.py", "--max-evals", "3", "--workers", n, PYTHONPATH=unstartable)
    assert refused.code == 78
    *_, sentence = refused.err.splitlines()
    assert "ended with exit code 1 3 times in a row: RuntimeError: no such luck" in sentence
    log = folder / "home" / "logs" / "search" / "worker-1.log"
    assert str(log) in sentence
    assert log.read_text().count("Traceback") == 3


def test_a_worker_that_dies_is_replaced(run: Call, folder: Path, store: MongoStore) -> None:
    (folder / "search.py").write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from hpsearch import hp\n"
        "space = hp.uniform('x', 0, 1)\n"
        "def objective(x):\n"
        "    deaths = Path('deaths')\n"
        "    with deaths.open('a') as file: file.write('x')\n"
        "    if deaths.stat().st_size <= 4: os.kill(os.getppid(), signal.SIGKILL)\n"
        "    return x\n"
    )
    arguments = ("--max-evals", "1", "--lease", "1s", "--max-attempts", "9")
    done = run("run", "search.py", *arguments)
    assert done.code == 0, done.err
    assert store.counts("search")[State.DONE] == 1


GOOD_OBJECTIVE = """
from hpsearch import hp
space = {"x": hp.uniform("x", -5, 5)}
def objective(config):
    return config["x"] ** 2
"""

CHDIR = "os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data'))"

#: What a search file may do to the process that imports it, a line each.
SIDE_EFFECTS = f"""
import argparse, atexit, locale, logging.config, multiprocessing, os, signal, sys, threading, time, warnings
{CHDIR}
argparse.ArgumentParser().parse_args()
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
logging.config.dictConfig({{"version": 1}})
logging.disable(logging.CRITICAL)
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD): signal.signal(s, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGALRM, print)
signal.setitimer(signal.ITIMER_REAL, 0.5)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
warnings.simplefilter("error")
locale.setlocale(locale.LC_ALL, "C.UTF-8")
multiprocessing.set_start_method("spawn")
sys.excepthook = threading.excepthook = print
os.umask(0)
"""

THREAD = "threading.Thread(target=time.sleep, args=(3600,)).start()"
HANDLER = "atexit.register(time.sleep, 3600)"
REDIRECTS = "sys.stdout = sys.stderr = open('output', 'w')"
CLOSES = "sys.stdout.close(); sys.stderr.close(); sys.stdin.close()"
CLOSES_ALL = "os.close(0); os.close(1); os.close(2)"
CLEARS = "os.environ.clear()"


@pytest.mark.parametrize(
    "habits",
    [
        (THREAD, REDIRECTS),
        pytest.param((HANDLER, CLOSES), marks=pytest.mark.long),
        pytest.param((CLOSES_ALL, CLEARS), marks=pytest.mark.long),
    ],
)
def test_side_effects_of_a_search_file_do_not_disturb_the_command(
    run: Call, folder: Path, store: MongoStore, habits: tuple[str, str]
) -> None:
    (folder / "data").mkdir()
    (folder / "queue.py").write_text("")
    lines = (SIDE_EFFECTS, *habits, GOOD_OBJECTIVE, "assert __name__ != '__main__'")
    (folder / "search.py").write_text("\n".join(lines))
    done = run("run", "search.py", "--max-evals", "2", HPSEARCH_HOME="home")
    assert done.code == 0, done.err
    assert store.counts("search")[State.DONE] == 2
    assert "search: done, all trials are finished" in done.out  # the summary
    assert "Searching as search" in done.err
    assert (folder / "home" / "logs" / "search" / "worker-1.log").exists()


@pytest.mark.long
def test_a_search_file_that_handles_signals_can_be_interrupted(
    folder: Path, uri: str, store: MongoStore
) -> None:
    code = "import signal\nfor s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
    slow = GOOD_OBJECTIVE.replace("return", "__import__('time').sleep(600); return")
    (folder / "search.py").write_text(code + slow)
    process = subprocess.Popen(
        [sys.executable, "-m", "hpsearch", "run", "search.py", "--drain-timeout", "0"],
        cwd=folder,
        env={**os.environ, "HPSEARCH_STORE": uri, "HPSEARCH_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for_running(store, "search")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 143
    assert out.startswith("search: interrupted")


@pytest.mark.long
def test_a_search_file_finds_only_its_own_name_in_sys_argv(
    run: Call, folder: Path, store: MongoStore
) -> None:
    (folder / "search.py").write_text(
        "import sys\nseen = list(sys.argv)\n"
        "from hpsearch import hp\nspace = hp.uniform('x', 0, 1)\n"
        "def objective(x): return {'loss': x, 'imported': seen, 'called': list(sys.argv)}\n"
        "print('argv', sys.argv)\n"
    )
    done = run("run", "search.py", "--max-evals", "1")
    [trial] = store.trials("search")
    assert trial.result["imported"] == trial.result["called"] == [str(folder / "search.py")]
    assert f"argv {[str(folder / 'search.py')]}" in done.out


def test_a_search_file_that_calls_sys_exit_is_reported_in_one_sentence(run: Call, folder: Path) -> None:
    (folder / "search.py").write_text("import sys\nsys.exit(3)\n")
    refused = run("run", "search.py")
    assert refused.code == 65
    assert "it ends the program (SystemExit: 3)" in refused.err
    assert "__name__" in refused.err


LOGS = """
import logging
logging.basicConfig(level=logging.DEBUG, format="theirs %(name)s %(levelname)s %(message)s")
logging.getLogger("hpsearch").setLevel(logging.DEBUG)
logging.getLogger("pymongo").setLevel(logging.DEBUG)
"""


@pytest.mark.parametrize("form", ["text", pytest.param("json", marks=pytest.mark.long)])
def test_a_search_file_that_configures_logging_does_not_change_the_log_of_the_command(
    run: Call, folder: Path, form: str
) -> None:
    (folder / "search.py").write_text(LOGS + GOOD_OBJECTIVE)
    done = run("run", "search.py", "--max-evals", "2", "--log-format", form)
    assert done.code == 0, done.err
    assert "theirs" not in done.err
    assert "pymongo" not in done.err


@pytest.mark.long
def test_relative_paths_refer_to_the_folder_before_the_import(run: Call, folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "sub").mkdir()
    (folder / "search.py").write_text(f"import os\n{CHDIR}\n{GOOD_OBJECTIVE}")
    (folder / "sub" / "spaces.py").write_text(
        "from hpsearch import hp\nwide = {'x': hp.uniform('x', -9, 9)}\n"
    )
    done = run("run", "search.py", "--space", "sub/spaces.py:wide", "--max-evals", "1")
    assert done.code == 0, done.err
    drawn = run("space", "plot", "search.py", "--samples", "10", "--output", "space.svg")
    assert drawn.code == 0, drawn.err
    assert (folder / "space.svg").exists()


LEAVES = """
import atexit, sys, threading, time
from hpsearch.cli.process import as_process

def main():
    {before}
    print("the result")
    sys.exit({code})

as_process(main)
"""


@pytest.mark.parametrize(
    ("before", "code", "expected"),
    [
        ("pass", 0, 0),
        (THREAD, 3, 3),
        (f"{HANDLER}; atexit.register(print, 'a handler')", 0, 0),
        (f"{THREAD}; 1 / 0", 0, 1),
    ],
)
def test_a_process_ends_with_its_exit_code_and_output_despite_threads_and_handlers(
    before: Any, code: int, expected: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES.format(before=before, code=code)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == expected
    assert ("the result" in done.stdout) == ("1 / 0" not in before)
    assert ("a handler" in done.stdout) == ("a handler" in before)
    assert ("ZeroDivisionError" in done.stderr) == ("1 / 0" in before)


def test_exit_handlers_of_the_search_file_run(run: Call, folder: Path) -> None:
    (folder / "search.py").write_text(
        f"import atexit\natexit.register(print, 'until later')\n{GOOD_OBJECTIVE}"
    )
    done = run("space", "show", "search.py")
    assert done.out.splitlines()[-1] == "until later"
    assert re.search("uniform", done.out)

"""Running scripts and libraries that import ``hyperopt`` with our package."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

HEADER = "import hpsearch.hyperopt\nhpsearch.hyperopt.install()\nhpsearch.hyperopt.install()\n"


def run(*arguments: Any, cwd: Any) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=500
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("from hyperopt import Trials\n")
    (tmp_path / "script.py").write_text(
        textwrap.dedent("""
            import pickle, sys
            import hyperopt, hyperopt.pyll.stochastic
            from beside import Trials
            from hyperopt import STATUS_OK, fmin, hp, tpe
            from hyperopt.base import JOB_STATE_DONE
            from hyperopt.early_stop import no_progress_loss
            from hyperopt.fmin import generate_trials_to_calculate
            from hyperopt.pyll.base import scope

            class Result(dict):
                pass

            def objective(n):
                return Result(loss=n, status=STATUS_OK)

            trials = Trials()
            fmin(objective, scope.int(hp.quniform("n", 1, 9, 1)), tpe.suggest, 3, trials=trials, verbose=0)
            again = pickle.loads(pickle.dumps(trials))
            print(sys.argv, __name__, __file__ == sys.argv[0], hyperopt.__name__, len(again.losses()))
        """)
    )
    return tmp_path


@pytest.mark.long
def test_a_script_runs_if_the_folder_for_child_processes_cannot_be_created(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a file").touch()
    monkeypatch.setenv("HPSEARCH_HOME", str(folder / "a file"))
    code, out, err = run("-m", "hpsearch.hyperopt", folder / "script.py", cwd=folder)
    assert (code, out.rpartition("True ")[2]) == (0, "hpsearch.hyperopt 3\n")
    assert "HpsearchWarning: Child processes do not import hpsearch as hyperopt" in err
    assert run("-m", "hpsearch.hyperopt", "--as-hyperopt", "true", cwd=folder)[0] == 78


def test_a_script_runs_with_its_arguments_and_its_own_modules(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = folder / "script.py"
    code, out, err = run(
        "-m", "hpsearch.hyperopt", script, "--depth", "3", cwd=tmp_path_factory.mktemp("cwd")
    )
    assert (code, out, err) == (
        0,
        f"[{str(script)!r}, '--depth', '3'] __main__ True hpsearch.hyperopt 3\n",
        "",
    )


@pytest.mark.long
def test_a_module_runs_like_a_script(folder: Path) -> None:
    code, out, _ = run("-m", "hpsearch.hyperopt", "-m", "script", "x", cwd=folder)
    assert code == 0
    assert out.endswith("__main__ True hpsearch.hyperopt 3\n")


def test_both_names_give_the_same_modules(folder: Path) -> None:
    code, out, err = run(
        "-c",
        HEADER + "import hyperopt.exceptions, hpsearch.hyperopt.exceptions as ours, hyperopt\n"
        "print(hyperopt.exceptions is ours, hyperopt is hpsearch.hyperopt, callable(hyperopt.fmin))",
        cwd=folder,
    )
    assert (code, out) == (0, "True True True\n"), err


def test_install_after_importing_hyperopt_raises(folder: Path) -> None:
    (folder / "hyperopt.py").write_text("")
    code, _, err = run("-c", "import hyperopt\n" + HEADER, cwd=folder)
    assert code == 1
    assert "came too late: hyperopt was imported already" in err


@pytest.mark.long
def test_a_command_line_without_a_script_prints_the_usage(folder: Path) -> None:
    code, out, err = run("-m", "hpsearch.hyperopt", cwd=folder)
    assert (code, out) == (2, "")
    assert err.startswith("usage: python -m hpsearch.hyperopt SCRIPT")
    assert run("-m", "hpsearch.hyperopt", "--help", cwd=folder)[0] == 0
    assert run("-m", "hpsearch.hyperopt", "none.py", cwd=folder) == (2, "", "No such script: 'none.py'.\n")


def test_an_uncaught_error_is_printed_in_one_line_with_its_place(folder: Path) -> None:
    (folder / "wrong.py").write_text(
        "from hyperopt import fmin, hp\n\nfmin(abs, hp.uniform('x', 1, 0), max_evals=1)\n"
    )
    code, out, err = run("-m", "hpsearch.hyperopt", "wrong.py", cwd=folder)
    assert (code, out) == (65, "")
    assert err.startswith("hpsearch: hp.uniform('x'): low must be below high")
    assert err.endswith("(wrong.py, line 3)\n")
    assert err.count("\n") == 1


CHILDREN = """
import json, multiprocessing, os, shutil, subprocess, sys
import hyperopt

def imported(_):
    import hyperopt.pyll.base
    return hyperopt.__file__

if __name__ == "__main__":
    code = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).exp_key)"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spawned = pool.map(imported, [0])[0]
    trials = hyperopt.Trials()
    trials.exp_key = "read by a child"
    import pickle
    child = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(trials), stdout=subprocess.PIPE)
    other = subprocess.run([sys.executable, "-S", "-c", "import hyperopt"], stderr=subprocess.PIPE)
    worker = subprocess.run(["hyperopt-mongo-worker", "--nonsense"], stderr=subprocess.PIPE)
    if os.fork() == 0:
        sys.exit(0)  # a fork must not remove the folder of its parent
    os.wait()
    print(json.dumps({
        "ours": hyperopt.__file__, "spawned": spawned, "child": child.stdout.decode().strip(),
        "without hpsearch": other.stderr.decode().splitlines()[-1], "path": sys.path[0],
        "worker": worker.stderr.decode(), "command": shutil.which("hyperopt-mongo-worker"),
    }))
"""


def test_child_processes_import_hpsearch_and_find_the_worker(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(CHILDREN)
    code, out, err = run("-m", "hpsearch.hyperopt", "parent.py", cwd=tmp_path)
    assert code == 0, err
    seen = json.loads(out)
    assert seen["spawned"] == seen["ours"]
    assert seen["child"] == "read by a child"
    assert seen["without hpsearch"] == "ModuleNotFoundError: No module named 'hyperopt'"
    assert "hpsearch-mongo-worker --help" in seen["worker"]
    assert seen["path"] == str(tmp_path)
    command = Path(seen["command"])
    # In a private folder, so that another user cannot recreate it for processes that still use it.
    assert command.parents[2] == Path(os.environ["HPSEARCH_HOME"])
    assert not command.parents[1].exists()


def test_an_installed_hyperopt_is_not_changed(hyperopt_python: str) -> None:
    theirs = Path(hyperopt_python).parent / "hyperopt-mongo-worker"
    before = theirs.read_bytes()
    run("-m", "hpsearch.hyperopt", "-m", "timeit", "-n1", "-r1", cwd=None)
    assert theirs.read_bytes() == before


def test_any_command_can_run_with_hpsearch_as_hyperopt(tmp_path: Path) -> None:
    name_it = f"{sys.executable} -c 'import hyperopt; print(hyperopt.__name__)'"
    line = f"{name_it}; command -v hyperopt-mongo-worker; exit 3"
    code, out, _ = run("-m", "hpsearch.hyperopt", "--as-hyperopt", "sh", "-c", line, cwd=tmp_path)
    name, command = out.splitlines()
    assert (code, name) == (3, "hpsearch.hyperopt")
    assert not Path(command).exists()


def test_a_command_that_cannot_run_is_reported_in_one_line(tmp_path: Path) -> None:
    code, out, err = run("-m", "hpsearch.hyperopt", "--as-hyperopt", "no-such-command", cwd=tmp_path)
    assert (code, out) == (127, "")
    assert err.startswith("no-such-command cannot be run: ")
    assert err.count("\n") == 1
    assert run("-m", "hpsearch.hyperopt", "--as-hyperopt", cwd=tmp_path)[0] == 2


def test_signals_and_the_exit_code_are_passed_through(tmp_path: Path) -> None:
    waiting = "trap 'echo drained; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    command = [sys.executable, "-m", "hpsearch.hyperopt", "--as-hyperopt", "sh", "-c", waiting]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        try:
            assert process.communicate(timeout=200)[0] == "drained\n"
        finally:
            process.kill()
    assert process.returncode == 7

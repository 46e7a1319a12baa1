"""Running scripts and libraries that import ``hyperopt`` over our package."""

import subprocess
import sys
import textwrap

import pytest

HEADER = "import hpsearch.hyperopt\nhpsearch.hyperopt.install()\nhpsearch.hyperopt.install()\n"


def run(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path):
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


def test_a_script_runs_unchanged_with_its_arguments_and_its_own_modules(folder, tmp_path_factory) -> None:
    script = folder / "script.py"
    code, out, err = run(
        "-m", "hpsearch.hyperopt", script, "--depth", "3", cwd=tmp_path_factory.mktemp("cwd")
    )
    assert (code, out, err) == (
        0,
        f"[{str(script)!r}, '--depth', '3'] __main__ True hpsearch.hyperopt 3\n",
        "",
    )


def test_a_module_runs_like_a_script(folder) -> None:
    code, out, _ = run("-m", "hpsearch.hyperopt", "-m", "script", "x", cwd=folder)
    assert code == 0
    assert out.endswith("__main__ True hpsearch.hyperopt 3\n")


def test_both_names_give_the_same_modules(folder) -> None:
    code, out, err = run(
        "-c",
        HEADER + "import hyperopt.exceptions, hpsearch.hyperopt.exceptions as ours, hyperopt\n"
        "print(hyperopt.exceptions is ours, hyperopt is hpsearch.hyperopt, callable(hyperopt.fmin))",
        cwd=folder,
    )
    assert (code, out) == (0, "True True True\n"), err


def test_installing_after_hyperopt_was_imported_is_refused(folder) -> None:
    (folder / "hyperopt.py").write_text("")
    code, _, err = run("-c", "import hyperopt\n" + HEADER, cwd=folder)
    assert code == 1
    assert "came too late: hyperopt was imported already" in err


def test_a_command_line_without_a_script_explains_itself(folder) -> None:
    code, out, err = run("-m", "hpsearch.hyperopt", cwd=folder)
    assert (code, out) == (2, "")
    assert err.startswith("usage: python -m hpsearch.hyperopt SCRIPT")
    assert run("-m", "hpsearch.hyperopt", "--help", cwd=folder)[0] == 0
    assert run("-m", "hpsearch.hyperopt", "none.py", cwd=folder) == (2, "", "There is no script 'none.py'.\n")


def test_an_error_that_a_script_does_not_catch_is_one_sentence_with_its_line(folder) -> None:
    (folder / "wrong.py").write_text(
        "from hyperopt import fmin, hp\n\nfmin(abs, hp.uniform('x', 1, 0), max_evals=1)\n"
    )
    code, out, err = run("-m", "hpsearch.hyperopt", "wrong.py", cwd=folder)
    assert (code, out) == (65, "")
    assert err.startswith("hpsearch: hp.uniform('x'): low must be below high")
    assert err.endswith("(wrong.py, line 3)\n")
    assert err.count("\n") == 1

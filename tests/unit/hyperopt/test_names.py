"""The names that scripts import, and the cost of their import."""

import subprocess
import sys

import hpsearch
import hpsearch.hyperopt as hpo

NAMES = (
    "STATUS_STRINGS STATUS_NEW STATUS_RUNNING STATUS_SUSPENDED STATUS_OK STATUS_FAIL "
    "JOB_STATES JOB_STATE_NEW JOB_STATE_RUNNING JOB_STATE_DONE JOB_STATE_ERROR "
    "Ctrl Domain Trials trials_from_docs FMinIter fmin fmin_pass_expr_memo_ctrl partial space_eval "
    "SparkTrials anneal atpe exceptions hp mix rand tpe __version__ "
    "base pyll pyll_utils progress utils spark"
)


def test_every_name_that_hyperopt_exports_exists() -> None:
    assert [name for name in NAMES.split() if not hasattr(hpo, name)] == []
    assert set(hpo.__all__) <= set(dir(hpo))
    assert hpo.base.JOB_STATE_CANCEL == 4


def test_hpsearch_exports_the_common_names() -> None:
    for name in ("fmin", "Trials", "space_eval", "auto", "tpe", "rand", "anneal", "STATUS_OK", "STATUS_FAIL"):
        assert getattr(hpsearch, name) is getattr(hpo, name)


def test_fmin_accepts_spaces_of_hpsearch_hp() -> None:
    best = hpsearch.fmin(lambda x: x, hpsearch.hp.uniform("x", 0, 1), hpsearch.rand.suggest, 2, verbose=False)
    assert 0 <= best["x"] < 1


def test_importing_hpsearch_imports_neither_numpy_nor_the_drop_in() -> None:
    code = "import sys, hpsearch; sys.exit(any(n in sys.modules for n in ('numpy', 'hpsearch.hyperopt')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=200, check=False).returncode == 0

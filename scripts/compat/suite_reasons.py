"""Why tests of Hyperopt's suite fail here: each is a documented difference, or a private helper."""

from __future__ import annotations

from collections.abc import Mapping

_PRIVATE = "the inside of Hyperopt's TPE (`GMM1` and the like)"
_SEED = "other points for the same seed"
_ATPE = "`atpe.suggest` says what to use instead"
_WORDS = "the words of an error"
_WORKER = "`MongoWorker` is refused: workers are processes; and `MongoJobs` is a reader"

#: By ``file::test``, ``file::Class`` or ``file``.
REASONS: Mapping[str, str] = {
    "integration/test_mongoexp.py": _WORKER,
    "integration/test_spark.py": "`SparkTrials` says what to use instead",
    "unit/test_atpe_basic.py": _ATPE,
    "unit/test_domains.py::many_distsTester": _SEED,
    "unit/test_fmin.py::test_invalid_timeout": _WORDS,
    "unit/test_fmin.py::test_invalid_loss_threshold": _WORDS,
    "unit/test_rand.py::TestRand": _SEED,
    "unit/test_randint.py::TestSimpleFMin::test_random_finds_constrained_solution": _SEED,
    "unit/test_tpe.py::test_adaptive_parzen_normal_orig": _PRIVATE,
    "unit/test_tpe.py::TestGMM1": _PRIVATE,
    "unit/test_tpe.py::TestGMM1Math": _PRIVATE,
    "unit/test_tpe.py::TestQGMM1Math": _PRIVATE,
    "unit/test_tpe.py::TestLGMM1Math": _PRIVATE,
    "unit/test_tpe.py::TestQLGMM1Math": _PRIVATE,
    "unit/test_tpe.py::TestOptQUniform": _PRIVATE,
    "unit/test_tpe.py::TestSuggestAtpe": _ATPE,
    "unit/test_tpe.py::TestOpt::test_branin": _SEED,
}


def reason_of(test: str) -> str | None:
    """Return why a test, named as in ``file::Class::test``, may fail; None if it should pass."""
    while True:
        if test in REASONS:
            return REASONS[test]
        if "::" not in test:
            return None
        test = test.rpartition("::")[0]

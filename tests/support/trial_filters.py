"""Trials with values of every type, and conditions on them, for the tests of filters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from hpsearch.core.trial import Failure, FailureKind, Holder, State, Trial

#: What a parameter or a metric may be; missing is left out.
VALUES: list[Any] = [
    -2.5, 0.0, 0.5, 1, 2, float("nan"), float("inf"), True, False, "adam", "sgd", "", "2", None, [1, 2],
    2**53 + 1, datetime(2026, 1, 2, tzinfo=UTC),
]  # fmt: skip

#: The parameters of the space; "z" is a parameter of some trials, and a metric of others.
LABELS = frozenset({"x", "y", "by.dots"})


def filter_trials(exp_key: str, n: int = 120) -> list[Trial]:
    """Return trials in which every value meets many others."""
    return [_trial(exp_key, tid) for tid in range(n)]


def _trial(exp_key: str, tid: int) -> Trial:
    def value(step: int) -> Any:
        return VALUES[(tid * step + tid // 17) % len(VALUES)]

    is_done = tid % 3 != 0
    params = {"x": value(1), "by.dots": value(5), **({"y": value(7)} if tid % 2 else {})}
    metrics = {"auc": value(3), "sub": {"f1": value(11)}, "x": value(13)}
    return Trial(
        exp_key=exp_key,
        tid=tid,
        values={},
        params={**params, **({"z": value(4)} if tid % 5 == 0 else {})},
        state=State.DONE if is_done else State.FAILED,
        loss=float(tid % 7) if is_done else None,
        result={**metrics, **({"z": value(2)} if tid % 5 else {})},
        error=None if is_done else Failure(kind=FailureKind.EXCEPTION, type="ValueError", message="no luck"),
        worker=Holder(name=f"w{tid % 2}", host="h", pid=1),
        duration_s=float(tid % 4),
    )


_NAMES = [
    "x",
    "y",
    "z",
    "auc",
    "sub.f1",
    "result.x",
    "params.x",
    "p['by.dots']",
    "loss",
    "duration",
    "worker",
]
_CONSTANTS = ["0", "1", "2", "-2.5", "0.5", "True", "'adam'", "'sgd'", "'2'", "'2026-01-01'", "None", "'w1'"]


def conditions(depth: int = 2) -> st.SearchStrategy[str]:
    """Generate conditions on those trials."""
    names, constants = st.sampled_from(_NAMES), st.sampled_from(_CONSTANTS)
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    leaves = st.one_of(
        st.builds("{} {} {}".format, names, operators, constants),
        st.builds("{} {} {}".format, constants, operators, names),
        st.builds("{} {} {}".format, names, operators, names),
        st.builds("{} {} {} {} {}".format, constants, operators, names, operators, constants),
        st.builds("{} {} ({}, {})".format, names, st.sampled_from(["in", "not in"]), constants, constants),
        st.builds("{} {} None".format, names, st.sampled_from(["is", "is not"])),
        names,
    )
    if not depth:
        return leaves
    below = conditions(depth - 1)
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, below, st.sampled_from(["and", "or"]), below),
        st.builds("(not {})".format, below),
    )

"""Everything that an objective does becomes a result."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from hpsearch.core.goal import Goal
from hpsearch.core.trial import FailureKind, Report, Result, State
from hpsearch.errors import HpsearchWarning
from hpsearch.objective.current_trial import MAX_REPORTS, Attachment, CurrentTrial, Pruned, current_trial
from hpsearch.objective.evaluation import evaluate, read_result
from tests.support.declared_outcomes import declared


def outcome(returned: object) -> Result:
    return evaluate(lambda config: returned, dict, CurrentTrial())


@pytest.mark.parametrize(
    "returned",
    [
        0.5,
        np.float32(0.5),
        np.array(0.5),
        Decimal("0.5"),
        Fraction(1, 2),
        {"loss": 0.5},
        {"loss": 0.5, "status": "ok"},
    ],
)
def test_every_kind_of_real_number_is_a_loss(returned: Any) -> None:
    result = outcome(returned)
    assert (result.state, result.loss, result.error) == (State.DONE, 0.5, None)
    assert result.result == {"loss": 0.5, "status": "ok"}


@pytest.mark.parametrize("returned", [True, 3, math.inf, -math.inf, 10**400])
def test_integers_booleans_and_infinities_are_losses(returned: bool | float) -> None:
    assert outcome(returned).state is State.DONE


@pytest.mark.parametrize(
    "returned",
    [
        None,
        "0.5",
        1 + 0j,
        b"1",
        [0.5],
        np.array([0.5]),
        {},
        {"loss": None},
        {"loss": "low"},
        {"status": "ok"},
        object(),
    ],
)
def test_a_value_that_is_no_number_is_an_invalid_result(returned: Any) -> None:
    result = outcome(returned)
    assert result.state is State.FAILED
    assert result.error is not None
    assert result.error.kind is FailureKind.INVALID_RESULT


def test_nan_fails_the_trial_and_keeps_the_rest_of_the_result() -> None:
    result = outcome({"loss": math.nan, "epochs": 3})
    assert result.loss is None
    assert result.error is not None
    assert result.error.kind is FailureKind.NAN
    assert result.result["epochs"] == 3


def test_the_goal_says_which_number_is_the_loss_and_keeps_the_result_as_returned() -> None:
    accuracy = Goal(metric="accuracy", maximize=True)
    found = read_result({"accuracy": 0.75, "loss": 3.0}, accuracy)
    assert (found.loss, found.result) == (-0.75, {"accuracy": 0.75, "loss": 3.0, "status": "ok"})
    nested = read_result({"val": {"f1": np.float32(0.5)}}, Goal(metric="val.f1"))
    assert (nested.loss, nested.result["val"]) == (0.5, {"f1": 0.5})
    plain = read_result(0, Goal(maximize=True))
    assert (plain.loss, str(plain.loss), plain.result["loss"]) == (0.0, "0.0", 0)
    assert read_result({"loss": 2}, Goal(maximize=True)).loss == -2


def test_a_result_without_the_metric_is_invalid() -> None:
    accuracy = Goal(metric="accuracy", maximize=True)
    for returned in (0.5, {"loss": 0.5}, {"accuracy": "high"}, {"accuracy": float("nan")}):
        failed = read_result(returned, accuracy)
        assert failed.state is State.FAILED
        assert failed.error is not None
        assert "accuracy" in failed.error.message


def test_a_reported_failure_never_has_a_loss() -> None:
    result = outcome({"status": "fail", "loss": -100.0, "message": "diverged"})
    assert result.loss is None
    assert result.error is not None
    assert (result.error.kind, result.error.message) == (FailureKind.REPORTED, "diverged")


def test_an_unknown_status_is_named() -> None:
    result = outcome({"status": "running", "loss": 1.0})
    assert result.error is not None
    assert "'running'" in result.error.message


def test_a_key_that_cannot_be_stored_is_dropped_and_the_loss_kept() -> None:
    result = outcome({"loss": 1.0, "model": object()})
    assert (result.state, result.loss) == (State.DONE, 1.0)
    assert result.error is not None
    assert result.error.kind is FailureKind.UNSTORABLE
    assert "result['model']" in result.error.message


def test_an_exception_is_recorded_with_the_objectives_own_traceback() -> None:
    def objective(config: object) -> float:
        raise ValueError("no such layer")

    result = evaluate(objective, dict, CurrentTrial())
    assert result.error is not None
    assert (result.error.kind, result.error.type, result.error.message) == (
        FailureKind.EXCEPTION,
        "ValueError",
        "no such layer",
    )
    assert result.error.traceback is not None
    assert "in objective" in result.error.traceback
    assert "hpsearch/evaluate" not in result.error.traceback


def test_an_exception_that_cannot_be_printed_is_still_recorded() -> None:
    class Broken(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

    def objective(config: object) -> float:
        raise Broken

    result = evaluate(objective, dict, CurrentTrial())
    assert result.error is not None
    assert "Broken" in result.error.message


def test_a_pruned_trial_is_no_failure() -> None:
    def objective(config: Any) -> float:
        raise Pruned(config["why"])

    result = evaluate(objective, lambda: {"why": "loss is flat"}, CurrentTrial())

    assert (result.state, result.loss, result.error) == (State.PRUNED, None, None)
    assert result.pruned == "loss is flat"
    assert evaluate(objective, lambda: {"why": ""}, CurrentTrial()).pruned == "the objective stopped it"


def test_sys_exit_fails_the_trial_and_not_the_process() -> None:
    result = evaluate(lambda config: sys.exit(3), dict, CurrentTrial())
    assert result.error is not None
    assert result.error.kind is FailureKind.EXIT
    assert "sys.exit(3)" in result.error.message


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit])
def test_exceptions_outside_of_exception_fail_the_trial_too(kind: Any) -> None:
    def objective(config: object) -> float:
        raise kind

    result = evaluate(objective, dict, CurrentTrial())
    assert result.error is not None
    assert (result.error.kind, result.error.type) == (FailureKind.EXCEPTION, kind.__name__)


def test_the_callers_interruption_is_raised() -> None:
    def objective(config: object) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(objective, dict, CurrentTrial(), passes=(KeyboardInterrupt,))
    assert current_trial().tid == -1


def test_a_configuration_that_cannot_be_computed_fails_the_trial() -> None:
    result = evaluate(lambda config: 0.0, lambda: 1 / 0, CurrentTrial())
    assert result.error is not None
    assert result.error.type == "ZeroDivisionError"


def test_a_status_that_cannot_be_compared_fails_the_trial() -> None:
    result = outcome({"loss": 1.0, "status": np.zeros(2)})
    assert result.state is State.FAILED


def test_reports_after_the_end_of_the_trial_are_dropped() -> None:
    events: list[Report] = []
    trial = CurrentTrial(on_report=events.append)
    evaluate(lambda config: 0.0, dict, trial)
    trial.report(1, 1)
    assert events == []


def test_reports_reach_the_current_trial() -> None:
    events: list[Report] = []

    def objective(config: object) -> float:
        current_trial().report(1, np.float32(0.5))
        assert current_trial().tid == 7
        return 0.0

    evaluate(objective, dict, CurrentTrial(tid=7, on_report=events.append))
    assert events == [Report(step=1.0, value=0.5)]
    assert current_trial().tid == -1, "outside a search there is no trial"


def test_a_report_that_is_no_number_fails_the_trial_with_a_message() -> None:
    result = evaluate(lambda config: current_trial().report(1, "low"), dict, CurrentTrial())
    assert result.error is not None
    assert "report() takes numbers; value is 'low'" in result.error.message


def test_reports_beyond_the_limit_are_dropped_with_one_warning() -> None:
    events: list[Report] = []
    trial = CurrentTrial(on_report=events.append)
    for step in range(MAX_REPORTS):
        trial.report(step, 0.0)
    with pytest.warns(HpsearchWarning, match="later ones"):
        trial.report(MAX_REPORTS, 0.0)
    trial.report(MAX_REPORTS + 1, 0.0)
    assert len(events) == MAX_REPORTS


# Attachments


def attached(objective: Callable[[Any], Any]) -> tuple[Result, list[Attachment]]:
    events: list[Attachment] = []
    return evaluate(objective, dict, CurrentTrial(on_attach=events.append)), events


@pytest.mark.parametrize("status", ["ok", "fail"])
def test_attachments_are_taken_out_of_the_result(status: str) -> None:
    returned = {"loss": 1.0, "status": status, "attachments": {"a": b"x", "b": bytearray(b"y")}, "other": 2}

    result, events = attached(lambda config: returned)

    assert events == [Attachment("a", b"x"), Attachment("b", b"y")]
    assert result.result == {"loss": 1.0, "status": status, "other": 2}
    assert "attachments" in returned, "what the objective returned is its own"
    assert (result.error is None) == (status == "ok")


def test_an_invalid_attachment_affects_neither_the_loss_nor_other_attachments() -> None:
    bad = {"model": object(), 7: b"x", "text": "not bytes", "good": b"x"}

    result, events = attached(lambda config: {"loss": 1.0, "attachments": bad})

    assert (result.state, result.loss, events) == (State.DONE, 1.0, [Attachment("good", b"x")])
    assert result.error is not None
    assert result.error.kind is FailureKind.UNSTORABLE
    for part in (
        "'model' is <object",
        "the name 7 (int) is not text",
        "'text' is 'not bytes' (str), not bytes",
    ):
        assert part in result.error.message


def test_a_failure_keeps_its_reason_with_invalid_attachments() -> None:
    result, _ = attached(lambda config: {"loss": "?", "attachments": {"a": 1}})

    assert result.error is not None
    assert result.error.kind is FailureKind.INVALID_RESULT
    assert "the loss '?'" in result.error.message
    assert "'a' is 1 (int), not bytes" in result.error.message


def test_attachments_that_are_no_mapping_are_part_of_the_result() -> None:
    result, events = attached(lambda config: {"loss": 1.0, "attachments": ["a.png"]})
    assert (result.result["attachments"], result.error, events) == (["a.png"], None, [])


def test_an_objective_can_attach_only_while_it_runs() -> None:
    trials: list[CurrentTrial] = []

    def objective(config: object) -> float:
        trials.append(current_trial())
        current_trial().attach("checkpoint", b"1")
        raise ValueError("later")

    result, events = attached(objective)
    trials[0].attach("late", b"2")

    assert result.state is State.FAILED
    assert events == [Attachment("checkpoint", b"1")]
    current_trial().attach("outside a search", b"nothing is kept")


@pytest.mark.parametrize(("name", "data"), [("a", "text"), (7, b"x"), (None, None)])
def test_attach_takes_bytes_under_a_name(name: int | str | None, data: bytes | str | None) -> None:
    with pytest.raises(TypeError, match="attach\\(\\) stores bytes under a name"):
        current_trial().attach(name, data)


def test_an_objective_sees_its_values_and_cannot_change_them() -> None:
    trial = CurrentTrial(values=MappingProxyType({"x": 0.5}))
    evaluate(lambda config: current_trial().values.update(x=1), dict, trial)  # type: ignore[attr-defined]
    assert trial.values == {"x": 0.5}
    assert current_trial().values == {}


@pytest.mark.parametrize(
    "returned",
    [
        {"error": 0.1, "ms": np.float32(2)},
        {"losses": {"error": 0.1, "ms": 2}},
        {"losses": {"error": 0.1}, "ms": 2},
    ],
)
def test_several_losses_are_kept_by_name_as_returned(returned: Any) -> None:
    result = read_result({**returned, "size": 7}, outcomes=declared(["error:min", "ms:max"], []))
    assert (result.state, result.loss, result.violations) == (State.DONE, None, {})
    assert result.losses == {"error": 0.1, "ms": 2.0}
    assert result.result["size"] == 7


def test_limits_count_amounts_and_compare_other_numbers() -> None:
    outcomes = declared([], ["memory_gb <= 8", "slack", "loss <= 1"])
    returned = {"loss": 0.5, "memory_gb": 10.0, "constraints": {"slack": -2.0}}
    result = read_result(returned, outcomes=outcomes)
    assert (result.state, result.loss) == (State.DONE, 0.5)
    assert result.violations == {"memory_gb": 2.0, "slack": -2.0, "loss": -0.5}
    assert read_result(0.5, outcomes=declared([], ["loss <= 1"])).violations == {"loss": -0.5}


@pytest.mark.parametrize(
    ("returned", "kind", "complaint"),
    [
        ({"error": 0.1}, FailureKind.INVALID_RESULT, "no 'ms', which the search has declared"),
        ({"error": 0.1, "ms": math.nan}, FailureKind.NAN, "The ms is not a number"),
        ({"error": "low", "ms": 1}, FailureKind.INVALID_RESULT, "the error 'low' (str), not a number"),
        ({"error": 0.1, "ms": 1}, FailureKind.INVALID_RESULT, "no 'memory_gb'"),
        ({"error": 0.1, "ms": 1, "memory_gb": math.nan}, FailureKind.NAN, "The memory_gb is not"),
        (0.1, FailureKind.INVALID_RESULT, "not a mapping with 'error', 'ms'"),
    ],
)
def test_a_declared_number_that_is_missing_fails_the_trial(
    returned: Any, kind: FailureKind, complaint: str
) -> None:
    result = read_result(returned, outcomes=declared(["error", "ms"], ["memory_gb <= 8"]))
    assert (result.state, result.losses, result.violations) == (State.FAILED, None, None)
    assert result.error is not None
    assert result.error.kind is kind
    assert complaint in result.error.message


def test_infinite_objectives_and_limits_are_results() -> None:
    outcomes = declared(["error", "ms"], ["memory_gb <= 8"])
    result = read_result({"error": math.inf, "ms": -math.inf, "memory_gb": math.inf}, outcomes=outcomes)
    assert result.losses == {"error": math.inf, "ms": -math.inf}
    assert result.violations == {"memory_gb": math.inf}


def test_one_objective_may_be_among_the_losses() -> None:
    assert read_result({"losses": {"error": 0.1}}, Goal(metric="error")).loss == 0.1

"""Anything that an objective returns or raises becomes a result that can be stored, with its loss."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from bson import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.trial import FailureKind, Result, State, Trial
from hpsearch.objective.current_trial import CurrentTrial
from hpsearch.objective.evaluation import evaluate
from hpsearch.store.documents.trial import result_document, trial_document, trial_from

#: The largest document of MongoDB; other fields of a trial need a part of it.
MAX_DOCUMENT = 16 * 1024 * 1024 - 100_000


class Spiteful:
    """An object whose every method raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no \0 repr")

    __str__ = __float__ = __len__ = __iter__ = __bool__ = __eq__ = __lt__ = __hash__ = __repr__  # type: ignore[assignment]


class Endless:
    """An object with an endless text."""

    def __repr__(self) -> str:
        return repr(self)

    __str__ = __repr__

    def __float__(self) -> float:
        return float(self)


class Half(Mapping[str, Any]):
    """A mapping whose iteration raises."""

    def __getitem__(self, key: str) -> Any:
        if key == "loss":
            return 0.5
        raise OSError("gone")

    def __iter__(self) -> Iterator[str]:
        yield "loss"
        raise OSError("gone")

    def __len__(self) -> int:
        return 2


class Rude(BaseException):
    """A ``BaseException`` without a text."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def circular() -> Any:
    value: dict[str, Any] = {}
    value["again"] = [value]
    return value


LOSSES = st.floats() | st.sampled_from(
    [
        0,
        -1,
        2**70,
        10**400,
        -(10**400),
        True,
        np.float32(0.5),
        np.float64("nan"),
        np.int8(3),
        np.array(0.25),
        Decimal("0.5"),
        Fraction(1, 3),
    ]
)
HOSTILE = st.sampled_from(
    [
        None,
        "0.5",
        b"x",
        1j,
        np.complex64(1),
        np.array([1.0]),
        np.array([]),
        np.array(["a"]),
        np.datetime64("NaT"),
        "\0",
        "\ud800",
        "x" * 100_000,
        b"\0" * 100_000,
        2**63,
        -(2**63) - 1,
        datetime(1, 1, 1, tzinfo=UTC),
        {1, 2},
        object(),
        len,
        int,
        Exception("x"),
        range(3),
        Decimal("NaN"),
        np.float64,
        sys,
    ]
) | st.sampled_from(
    [Spiteful, Endless, Half, circular, lambda: nested(1000), lambda: nested(90), lambda: (i for i in [1])]
).map(lambda make: make())
KEYS = st.sampled_from(
    [
        "loss",
        "status",
        "attachments",
        "a.b",
        "$set",
        "$ref",
        "",
        "\0",
        "\ud800",
        1,
        None,
        (1,),
        0.5,
        np.str_("x"),
        "message",
    ]
)
RETURNED = (
    LOSSES
    | HOSTILE
    | st.dictionaries(KEYS, LOSSES | HOSTILE | st.sampled_from(["ok", "fail", "new"]), max_size=4)
    | st.builds(lambda loss, rest: {**rest, "loss": loss}, LOSSES, st.dictionaries(KEYS, HOSTILE, max_size=3))
)
RAISED = st.sampled_from(
    [
        ValueError,
        lambda: ValueError("\0\ud800\x1b[31m"),
        lambda: ValueError("x" * 10_000_000),
        lambda: ValueError(Spiteful()),
        KeyboardInterrupt,
        SystemExit,
        lambda: SystemExit(Spiteful()),
        lambda: SystemExit("x" * 100_000),
        Rude,
        GeneratorExit,
        MemoryError,
        RecursionError,
        StopIteration,
        lambda: ExceptionGroup("g", [ValueError("a")]),
        lambda: KeyError(Endless()),
    ]
)


def assert_kept(result: Result) -> None:
    """Check that the result is final, fits into one document, can be read back, and can be shown."""
    assert result.state.is_final
    assert (result.loss is not None) == (result.state is State.DONE)
    assert result.error is None or (result.error.message and len(result.error.message) < 100_000)
    trial = Trial(exp_key="e", tid=1, values={})
    stored = encode({**trial_document(trial), **result_document(result)})
    assert len(stored) < MAX_DOCUMENT
    assert trial_from(decode(stored)).state is result.state


def outcome(objective: Callable[[Any], Any]) -> Result:
    return evaluate(objective, dict, CurrentTrial(on_attach=lambda attachment: None))


@pytest.mark.fuzz
@given(RETURNED)
def test_any_returned_value_can_be_stored(returned: Any) -> None:
    assert_kept(outcome(lambda config: returned))


@pytest.mark.fuzz
@given(LOSSES, st.dictionaries(KEYS.filter(lambda key: key not in {"loss", "status"}), HOSTILE, max_size=4))
def test_a_loss_is_kept_with_any_other_keys(loss: Any, rest: dict[Any, Any]) -> None:
    result = outcome(lambda config: {**rest, "loss": loss})
    assert_kept(result)
    alone = outcome(lambda config: loss)
    assert result.loss == alone.loss
    assert result.result.get("loss") == alone.result.get("loss") or math.isnan(result.result["loss"])


@pytest.mark.fuzz
@given(RAISED)
def test_any_exception_fails_the_trial_with_a_message(make: Callable[[], BaseException]) -> None:
    def objective(config: Any) -> Any:
        raise make()

    result = outcome(objective)
    assert_kept(result)
    assert result.error is not None
    assert result.error.kind in {FailureKind.EXCEPTION, FailureKind.EXIT}


@pytest.mark.parametrize(
    "rest",
    [
        lambda: {"text": "x" * (20 * 2**20)},
        lambda: {"array": np.zeros(5_000_000)},
        lambda: {"items": [0.5] * 900_000},
        lambda: {"deep": nested(100_000)},
        lambda: {"again": circular()},
        lambda: {f"k{i}": "x" * 1_000_000 for i in range(20)},
        lambda: dict.fromkeys(range(100000), "x" * 200),
        lambda: {"x" * (17 * 2**20): 1},
        lambda: {i: {2} for i in range(100_000)},
        lambda: {"attachments": dict.fromkeys(range(100000), 1)},
    ],
)
def test_a_loss_is_kept_if_the_result_is_larger_than_a_document(rest: Callable[[], dict[Any, Any]]) -> None:
    result = outcome(lambda config: {**rest(), "loss": 0.5})
    assert_kept(result)
    assert result.loss == 0.5
    assert result.error is not None
    assert result.error.kind is FailureKind.UNSTORABLE


def test_a_mapping_that_raises_fails_the_trial_with_its_message() -> None:
    result = outcome(lambda config: Half())
    assert_kept(result)
    assert result.error is not None
    assert "gone" in result.error.message

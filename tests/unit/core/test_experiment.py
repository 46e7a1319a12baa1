"""The leader and the elapsed time of an experiment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hpsearch.core.experiment import Elapsed, Experiment, ExperimentState, ObjectiveRef

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def experiment(
    *,
    elapsed: Elapsed | None = None,
    led_until: datetime | None = None,
    lead_lease_s: float | None = 10.0,
    state: ExperimentState = ExperimentState.RUNNING,
) -> Experiment:
    return Experiment(
        exp_key="e",
        space={},
        space_fingerprint="",
        objective=ObjectiveRef(kind="import", ref="m:f"),
        started_at=START,
        elapsed=elapsed,
        led_until=led_until,
        lead_lease_s=lead_lease_s,
        state=state,
    )


@pytest.mark.parametrize(
    ("led_until", "lead_lease_s", "is_led"),
    [
        (None, 10.0, False),
        (after(0), 10.0, False),
        (after(1), 10.0, True),
        (after(10), 10.0, True),
        (after(20), 10.0, True),  # renewed since the clock was read, or the step was small
        (after(20.001), 10.0, False),
        (after(3600), 10.0, False),
        (after(3600), None, True),
    ],
)
def test_a_lease_that_ends_too_late_does_not_count_as_leading(
    led_until: Any, lead_lease_s: float | None, is_led: bool
) -> None:
    assert experiment(led_until=led_until, lead_lease_s=lead_lease_s).is_led(START) is is_led


def led(seconds: float) -> Elapsed:
    return Elapsed(seconds=seconds, since=START)


@pytest.mark.parametrize(
    ("known", "elapsed_s"),
    [
        (experiment(elapsed=led(30.0)), 30.0),
        (experiment(elapsed=led(30.0), led_until=after(104)), 36.0),  # renewed 6 s ago
        (experiment(elapsed=led(30.0), led_until=after(100)), 30.0),  # its leader died
        (experiment(elapsed=led(30.0), led_until=after(115)), 30.0),  # renewed since the clock was read
        (experiment(elapsed=led(30.0), led_until=after(3700)), 30.0),  # before the clock was set back
        (experiment(elapsed=led(30.0), led_until=after(104), state=ExperimentState.DONE), 30.0),
        (experiment(elapsed=led(30.0), led_until=after(104), lead_lease_s=None), 30.0),
        (experiment(), 100.0),
        (experiment(elapsed=Elapsed(seconds=30.0, since=after(-500))), 100.0),  # of a former run
    ],
)
def test_the_elapsed_time_is_the_stored_time_plus_the_time_since(known: Any, elapsed_s: float) -> None:
    assert known.elapsed_s(after(100)) == elapsed_s

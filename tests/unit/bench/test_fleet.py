"""The simulation of several workers in ``scripts/bench/fleet.py``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import fleet
import pytest


def events(lengths: list[float], n_workers: int) -> list[str]:
    """Return the events of a simulation: ``+n`` when trial n is suggested, ``-n`` when it finishes."""
    found: list[str] = []
    numbers: Iterator[int] = count()

    def ask() -> int:
        number = next(numbers)
        found.append(f"+{number}")
        return number

    fleet.simulate(ask, lambda number: found.append(f"-{number}"), lengths, n_workers)
    return found


def test_one_worker_finishes_each_trial_before_the_next_is_suggested() -> None:
    assert events([3.0, 1.0, 2.0], 1) == ["+0", "-0", "+1", "-1", "+2", "-2"]


def test_a_free_worker_gets_a_trial_while_a_long_one_is_pending() -> None:
    assert events([9.0, 1.0, 2.0, 3.0], 2) == ["+0", "+1", "-1", "+2", "-2", "+3", "-3", "-0"]


@pytest.mark.parametrize("n_workers", [1, 3, 50])
def test_every_trial_finishes_once_and_at_most_one_runs_per_worker(n_workers: int) -> None:
    found = events(fleet.durations(20, seed=0), n_workers)
    assert sorted(found) == sorted(f"{sign}{n}" for sign in "+-" for n in range(20))
    running = [sum(1 if e[0] == "+" else -1 for e in found[: i + 1]) for i in range(len(found))]
    assert max(running) == min(n_workers, 20)


def test_durations_depend_on_seed_and_number() -> None:
    assert fleet.durations(5, seed=1) == fleet.durations(9, seed=1)[:5] != fleet.durations(5, seed=2)

"""The scores of ``scripts/bench/quality.py``."""

from __future__ import annotations

import numpy as np
import pytest
import scoring


def test_regret_is_zero_at_the_least_loss_and_one_at_the_median_of_random_search() -> None:
    random = np.array([[[9.0, 5.0], [9.0, 3.0], [9.0, 7.0]]])
    found = scoring.regrets(np.array([[[5.0, 1.0], [9.0, 3.0]]]), random, np.array([1.0]))
    assert found.tolist() == [[[1.0, 0.0], [2.0, 0.5]]]


def test_a_better_loss_than_the_known_one_takes_its_place() -> None:
    found = np.array([[[4.0, 2.0]], [[4.0, 2.0]], [[4.0, 2.0]]])
    assert scoring.least_losses([3.0, 1.0, None], [found]).tolist() == [2.0, 1.0, 2.0]


def test_a_problem_has_no_regret_where_random_search_finds_the_least_loss_or_nothing() -> None:
    random = np.array([[[1.0]], [[2.0]], [[np.inf]]])
    assert scoring.has_regret(random, np.array([1.0, 1.0, 1.0])).tolist() == [False, True, False]


def test_ties_count_half_and_so_do_two_searches_without_a_result() -> None:
    a, b = np.array([[0.0, 1.0], [np.inf, np.inf]]), np.array([[1.0, 1.0 + 1e-9], [np.inf, np.inf]])
    assert scoring.win_rates(a, b).tolist() == [0.75, 0.5]
    assert scoring.win_rates(b, a).tolist() == [0.25, 0.5]


def test_a_search_with_a_result_wins_against_one_without() -> None:
    assert scoring.win_rates(np.array([[5.0]]), np.array([[np.inf]])).tolist() == [1.0]


def test_ranks_of_a_problem_sum_to_those_of_an_order() -> None:
    at = {"a": np.array([[0.0, 0.1]]), "b": np.array([[0.5, 0.6]]), "c": np.array([[0.5, 0.6]])}
    found = {name: values.item() for name, values in scoring.ranks(at).items()}
    assert found == {"a": 1.0, "b": pytest.approx(2.5), "c": pytest.approx(2.5)}


def test_evaluations_that_parallel_workers_waste_are_not_worth_any() -> None:
    sequential = np.linspace(1, 0, 11)[None, None, :].repeat(4, axis=0)
    parallel = sequential[:, :, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]]
    value, low, high = scoring.worth(parallel, sequential)
    assert low <= value <= high
    assert value == pytest.approx(6)

"""Single searches of ``scripts/bench/quality.py``."""

from __future__ import annotations

import pytest
from contenders import contender
from outcomes import Search
from searches import run


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
@pytest.mark.parametrize("n_workers", [1, 4])
def test_a_search_is_determined_by_its_settings_and_never_gets_worse(algorithm: str, n_workers: int) -> None:
    settings = Search(algorithm=algorithm, problem="pipeline:0", seed=3, n_evals=12, n_workers=n_workers)
    best = run(settings).best
    assert list(best) == sorted(best, reverse=True)
    assert len(best) == 12
    assert run(settings).best == best


def test_another_seed_is_another_search() -> None:
    one, other = (
        run(Search(algorithm="random", problem="few:0", seed=seed, n_evals=5)).best for seed in (0, 1)
    )
    assert one != other


def test_an_unknown_algorithm_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"there are .*tpe.*optuna\.ALGORITHM"):
        contender("nothing.at_all")

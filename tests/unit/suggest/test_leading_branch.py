"""The search in the branch of the best trial."""

from __future__ import annotations

import numpy as np

from hpsearch import hp
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.auto import Auto
from hpsearch.suggest.branches import Branches
from hpsearch.suggest.leading_branch import LeadingBranch
from hpsearch.suggest.protocol import Suggestion
from tests.support.histories import history, rngs

SPACE = Space(
    {
        "model": hp.choice(
            "model", [{"a": hp.uniform("a", 0, 1)}, {"b": hp.uniform("b", 0, 1), "c": hp.uniform("c", 0, 1)}]
        )
    }
)


def points(n: int) -> list[Values]:
    rng = np.random.default_rng(0)
    return [SPACE.sample(rng) for _ in range(n)]


def loss(values: Values, of_a: float = 2.0) -> float:
    """Branch 0 always has the same loss; branch 1 is better."""
    return of_a if values["model"] == 0 else abs(values["b"] - 0.3) + abs(values["c"] - 0.6)


def suggest(tried: list[Values], losses: list[float]) -> list[Suggestion | None]:
    leading = LeadingBranch(SPACE, Branches(SPACE), Auto)
    return [leading.suggest(history(SPACE, tried, losses), [], rng) for rng in rngs(4)]


def test_it_learns_from_the_trials_of_the_best_branch_alone() -> None:
    tried = points(60)
    suggestions = suggest(tried, [loss(v) for v in tried])
    assert {s.values["model"] for s in suggestions if s} == {1}
    assert suggestions == suggest(tried, [loss(v, of_a=5.0 + v.get("a", 0)) for v in tried])
    assert suggestions != suggest(tried, [loss(v) + 0.5 * v.get("b", 0) for v in tried])


def test_a_branch_with_few_trials_or_without_a_loss_has_no_search() -> None:
    tried = points(30)
    assert suggest(tried, [loss(v) for v in tried]) == [None] * 4
    assert suggest(points(60), [np.nan] * 60) == [None] * 4

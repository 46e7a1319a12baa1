"""The problems of ``scripts/bench/quality.py``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.space.tree import Space

FILE = Path(__file__).parents[3] / "scripts" / "bench" / "problems.py"
spec = importlib.util.spec_from_file_location("bench_problems", FILE)
assert spec is not None
assert spec.loader is not None
problems = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = problems
spec.loader.exec_module(problems)

FAMILIES = {family.__name__: family for family in problems.FAMILIES}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_no_point_is_better_than_the_optimum_and_most_points_succeed(name: str, seed: int) -> None:
    problem, rng = FAMILIES[name](np.random.default_rng(seed)), np.random.default_rng(seed)
    space = Space(problem.space(hp))
    losses = [problem.loss(space.config(space.sample(rng))) for _ in range(500)]
    reached = [loss for loss in losses if loss is not None]
    assert min(reached) >= problem.optimum - 1e-12
    assert len(reached) > 150


@pytest.mark.parametrize("name", ["training", "memory"])
def test_some_points_fail_in_the_family_about_failures(name: str) -> None:
    problem, rng = FAMILIES[name](np.random.default_rng(0)), np.random.default_rng(0)
    space = Space(problem.space(hp))
    assert None in [problem.loss(space.config(space.sample(rng))) for _ in range(200)]


def test_instances_are_the_same_in_every_process() -> None:
    for one, other in zip(problems.problems(2), problems.problems(2), strict=True):
        space = Space(one.space(hp))
        config = space.config(space.sample(np.random.default_rng(0)))
        assert (one.name, one.optimum) == (other.name, other.optimum)
        assert one.loss(config) == other.loss(config)

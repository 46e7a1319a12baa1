"""Peers in processes of their own, in ``scripts/bench/peers``."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import Kept, Outcome, Search
from peers import messages
from peers.process import Peer, PeerError
from problems.families import make
from problems.space import Choice, decode, leaves
from searches import run

from tests.support.extras import needs

pytestmark = needs("hyperopt", "bench")


@pytest.mark.parametrize("name", ["tree:1", "priors:1", "steps:1", "catnk:1:3:3", "lrplateau:1"])
def test_a_space_survives_the_way_to_a_peer(name: str) -> None:
    space = make(name).space
    found = messages.decode(messages.encode(space))
    assert [label for label, _ in leaves(found)] == [label for label, _ in leaves(space)]
    for (_, one), (_, other) in zip(leaves(space), leaves(found), strict=True):
        if isinstance(one, Choice):
            assert isinstance(other, Choice)
            assert len(one.options) == len(other.options)
        else:
            assert one == other


def test_a_peer_suggests_values_of_the_active_parameters_and_its_cpu_time_is_counted() -> None:
    space = make("pipeline:0").space
    peer = Peer("hyperopt", "anneal", space, 0, 4)
    for _ in range(4):
        trial, values = peer.ask()
        assert set(decode(space, values)) == set(values)
        peer.tell(trial, 1.0)
    assert peer.cpu_s > 0


def test_the_same_seed_gives_the_same_search_by_a_peer_that_ran_another_search_before() -> None:
    search = Search(algorithm="hyperopt.tpe", problem="training:1", seed=1, n_evals=8)
    assert run(search).best == run(search).best


def test_a_peer_that_raises_an_error_ends_the_search_and_keeps_what_was_found() -> None:
    outcome = run(Search(algorithm="hyperopt.nothing", problem="few:0", seed=0, n_evals=3))
    assert outcome.error is not None
    assert "ModuleNotFoundError" in outcome.error
    assert len(outcome.best) == 3


def test_an_error_of_a_peer_names_the_peer() -> None:
    with pytest.raises(PeerError, match="hyperopt raised"):
        Peer("hyperopt", "nothing", {}, 0, 1)


def test_kept_searches_are_found_again(tmp_path: Path) -> None:
    search = Search(algorithm="hyperopt.tpe", problem="few:0", seed=0, n_evals=2)
    outcome = Outcome(best=[float("inf"), 0.5], cpu_s=0.1)
    Kept(tmp_path / "kept.jsonl").add(search, outcome)
    assert Kept(tmp_path / "kept.jsonl").find(search) == outcome
    assert Kept(None).find(search) is None

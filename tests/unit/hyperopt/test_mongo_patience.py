"""How long a script waits for its database."""

from __future__ import annotations

import pytest

from hpsearch.hyperopt.mongo.jobs import PATIENCE_S, MongoJobs
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.mongo.patience import Patience


def test_a_script_waits_longer_while_it_leads_a_search() -> None:
    patience = Patience(PATIENCE_S, 0.0)
    with MongoJobs(MemoryStore(), patience).waiting(1e9):
        assert patience.while_away(1e8)
    assert not patience.while_away(PATIENCE_S)


@pytest.mark.parametrize(
    ("timeout_s", "refused_s", "waits"), [(1e9, 599, True), (1e9, 600, False), (5, 5, False)]
)
def test_only_a_script_that_leads_a_search_waits_while_it_is_refused(
    timeout_s: float, refused_s: int, waits: bool
) -> None:
    patience = Patience(PATIENCE_S, 0.0)
    assert not patience.while_refused(0.0)
    with MongoJobs(MemoryStore(), patience).waiting(timeout_s):
        assert patience.while_refused(refused_s) is waits
    assert not patience.while_refused(0.0)

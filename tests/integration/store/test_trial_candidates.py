"""What MongoDB decides of a filter of trials never changes what is selected."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pymongo.database import Database

from hpsearch.core.trial import Trial
from hpsearch.core.trial_filter import filter_of
from hpsearch.store.mongo.schema import TRIALS
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.mongo.trial_candidates import candidates
from tests.support.trial_filters import LABELS, conditions, filter_trials

KEY = "candidates"


@pytest.fixture(scope="module")
def stored(mongo_store: MongoStore) -> list[Trial]:
    mongo_store.insert(filter_trials(KEY))
    return list(mongo_store.trials(KEY))


@given(text=conditions())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_candidates_contain_every_selected_trial(
    text: str, mongo_store: MongoStore, raw_database: Database[dict[str, Any]], stored: list[Trial]
) -> None:
    where = filter_of(text, LABELS)
    selected = [trial.tid for trial in where.select(stored)]
    found = raw_database[TRIALS].find({"exp_key": KEY, **candidates(where)}, {"tid": 1})
    assert {document["tid"] for document in found} >= set(selected)
    assert [trial.tid for trial in mongo_store.trials(KEY, where=where)] == selected


@pytest.mark.parametrize(
    "text",
    [
        "params.x == 'adam'",
        "0 < loss <= 3 and worker == 'w1'",
        "not (x != 'adam' or loss >= 3)",
        "x in ('adam', 'sgd') and duration < 2",
    ],
)
def test_mongodb_decides_comparisons_with_constants(
    text: str, raw_database: Database[dict[str, Any]], stored: list[Trial]
) -> None:
    where = filter_of(text, LABELS)
    n_found = raw_database[TRIALS].count_documents({"exp_key": KEY, **candidates(where)})
    n_dates_and_flags = sum(not isinstance(trial.params["x"], str | float | int) for trial in stored)
    assert len(list(where.select(stored))) <= n_found <= len(stored) // 3 + n_dates_and_flags

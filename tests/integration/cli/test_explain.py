"""``hpsearch explain``, and what ``hpsearch status`` says about going on."""

from __future__ import annotations

import csv
import io
import json

import pytest

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.explored import store_explored


@pytest.fixture
def explored(store: MongoStore) -> None:
    store_explored(store)


@pytest.mark.usefixtures("explored")
def test_a_search_is_explained_in_half_a_page(call: Call) -> None:
    text = call("explain").out
    assert "explored has finished 100 trials, of which 10 failed." in text
    assert "The best loss is 0.1" in text
    assert "The last 50 trials " in text
    assert "What matters for the loss: " in text
    assert "(only where m=mlp)" not in text
    assert "Best loss by m: mlp 0.1" in text
    assert "10 trials failed: 10 x MemoryError. All of them were on host1." in text
    assert "A trial takes 60 s." in text
    assert "Early values say much" in text
    assert len(text.split("\n\n")) == 8
    assert len(text) < 2000


@pytest.mark.usefixtures("explored")
def test_json_has_the_sentences_and_the_numbers_behind_them(call: Call) -> None:
    found = json.loads(call("explain", "explored", "--json").out)
    assert found["schema"] == "hpsearch.explain/1"
    assert len(found["sentences"]) == 8
    assert found["forecast"]["n_trials"] == 100
    assert found["ceiling"]["high"] >= found["ceiling"]["median"] >= 0
    assert found["importance"]["parameters"][0]["share"] > 0.3
    assert found["statistics"]["failures"] == [{"reason": "MemoryError", "host": "host1", "n": 10}]


@pytest.mark.usefixtures("explored")
def test_csv_has_a_line_for_each_topic(call: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(call("explain", "--format", "csv").out)))
    assert [row["topic"] for row in rows][:3] == ["result", "worth", "parameters"]


@pytest.mark.usefixtures("explored")
def test_the_status_of_a_search_says_whether_going_on_is_worth_it(call: Call) -> None:
    assert "worth      the last 50 trials " in call("status", "explored").out
    [row] = json.loads(call("status", "explored", "--json").out)["status"]
    assert row["forecast"]["n_last"] == 50
    [row] = json.loads(call("status", "--json").out)["status"]
    assert row["forecast"] is None


@pytest.mark.usefixtures("filled")
def test_a_young_search_is_explained_as_far_as_it_goes(call: Call) -> None:
    text = call("explain", "search").out
    assert "search has finished 4 trials, of which 1 failed." in text
    assert "Not enough is known yet" in text
    assert "1 trial failed: 1 x ValueError." in text


def test_no_trials_at_all_are_no_error(call: Call, store: MongoStore) -> None:
    store_explored(store, "other")
    assert call("explain", "missing").code == 4

"""``hpsearch importance``."""

from __future__ import annotations

import csv
import io
import json

import pytest

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.explored import store_explored

pytestmark = pytest.mark.usefixtures("explored")


@pytest.fixture
def explored(store: MongoStore) -> None:
    store_explored(store)


def test_a_table_lists_what_matters_first_and_how_far_to_trust_it(call: Call) -> None:
    lines = call("importance").out.splitlines()
    assert lines[0].startswith("Share of the differences in the loss, by a model of 90 trials (R2 ")
    assert lines[1].startswith("Over this space, four of five losses are between ")
    assert lines[3].split() == ["parameter", "share", "band", "best", "branch"]
    assert {line.split()[0] for line in lines[4:6]} == {"m", "lr"}
    assert lines[4].split()[1] >= lines[5].split()[1]


def test_json_has_all_digits_and_is_the_same_each_time(call: Call) -> None:
    once, again = (call("importance", "explored", "--json").out for _ in range(2))
    found = json.loads(once)
    assert again == once
    assert (found["schema"], found["method"], found["n_trials"]) == ("hpsearch.importance/1", "effects", 90)
    assert sum(p["share"] for p in found["parameters"]) == pytest.approx(1)
    assert {p["label"]: p["best"] for p in found["parameters"]}["m"]["names"] == ["mlp"]


def test_csv_has_a_line_for_each_parameter(call: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(call("importance", "--format", "csv").out)))
    assert {row["parameter"] for row in rows} == {"m", "C", "lr", "layers", "drop"}
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


def test_a_branch_is_named_by_option_or_by_index(call: Call) -> None:
    by_name, by_index = (call("importance", "--within", f"m={option}").out for option in ("mlp", "1"))
    assert by_name == by_index
    assert "where m=mlp" in by_name
    assert "\nC " not in by_name


@pytest.mark.parametrize(
    ("within", "sentence"),
    [
        ("lr=1", "--within 'lr=1' is not CHOICE=OPTION; the space has the choices: m."),
        ("m=tree", "m has no option 'tree'; it has svm, mlp."),
    ],
)
def test_a_branch_that_does_not_exist_is_refused(call: Call, within: str, sentence: str) -> None:
    outcome = call("importance", "--within", within)
    assert outcome.code == 2
    assert sentence in outcome.err


def test_other_questions_have_their_own_sentence(call: Call) -> None:
    assert (
        "What the best tenth of 90 trials have in common" in call("importance", "--method", "good-trials").out
    )
    assert "failures" in call("importance", "--what", "failures").out
    assert call("importance", "--what", "failures", "--method", "good-trials").code == 2


@pytest.mark.usefixtures("filled")
def test_a_search_with_few_trials_says_so(call: Call) -> None:
    assert call("importance", "search").out == "Not enough is known yet: 2 of 10 trials have a loss.\n"

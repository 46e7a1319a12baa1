"""What notebooks show: small, escaped, without colours of its own."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from hpsearch import Space, Trials, hp, where
from hpsearch.core.experiment import Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, State, Trial
from hpsearch.hyperopt import fmin, rand
from hpsearch.hyperopt import hp as graph_hp
from hpsearch.runtime.html import element, table

HOSTILE = "<script>alert('x')</script>&\""


class Text(HTMLParser):
    """Collects the text and the tags of a page, and checks that they are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def text_of(shown: Any) -> str:
    """Return the text of an object's HTML; every tag is known, and colours are those of the notebook."""
    parser = Text()
    source = shown._repr_html_()
    parser.feed(source)
    parser.close()
    assert parser.open == []
    assert parser.tags <= {"table", "tr", "th", "td", "div", "b", "i"}
    assert set(re.findall(r"color[^;\"]*", source)) <= {"color: inherit"}
    return " ".join(parser.texts)


def test_contents_and_attributes_are_escaped_and_long_ones_cut() -> None:
    assert element("td", HOSTILE, element("b", 1), title='"') == (
        '<td title="&quot;">&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;<b>1</b></td>'
    )
    assert len(element("td", "x" * 10_000)) < 300


def test_numbers_have_four_digits_and_stand_on_the_right() -> None:
    """So do the titles of their columns, also where a value is missing."""
    made = table(("a", "b", "c", "d"), [(0.123456, "b", 12345678, True), ("", "b", 1, False)])
    cells = re.findall(r'align: (\w+)">([^<]*)', made)
    assert cells[:4] == [("right", "a"), ("left", "b"), ("right", "c"), ("left", "d")]
    assert cells[4:8] == [("right", "0.1235"), ("left", "b"), ("right", "12345678"), ("left", "True")]


def test_a_space_shows_its_tree_with_ranges_and_conditions() -> None:
    space = where(
        {
            "lr": hp.loguniform("lr", -5, 0),
            "model": hp.choice("model", ["svc", {HOSTILE: hp.randint(HOSTILE, 9)}]),
        },
        "lr < 0.5",
    )
    text = text_of(Space(space))
    for part in (
        "lr loguniform 0.00673795 .. 1",
        "model choice 2 options",
        "'svc'",
        "3 parameters",
        "lr < 0.5",
    ):
        assert part in text
    assert HOSTILE[:20] in text


@pytest.mark.parametrize("vocabulary", [hp, graph_hp])
def test_a_node_shows_the_space_below_it(vocabulary: Any) -> None:
    node = vocabulary.choice("c", [vocabulary.uniform("x", 0, 1), 5])
    assert "x uniform 0 .. 1" in text_of(node)


def test_a_large_space_is_cut() -> None:
    text = text_of(Space([hp.uniform(f"x{i}", 0, 1) for i in range(1000)]))
    assert len(text) < 4000
    assert "and 940 more lines" in text


def test_a_node_without_a_valid_space_falls_back_to_its_text() -> None:
    assert hp.choice("x", [hp.uniform("x", 0, 1)])._repr_html_() is None


def trial(**changes: Any) -> Trial:
    return Trial(exp_key=HOSTILE, tid=7, values={}, params={HOSTILE: HOSTILE, "lr": 0.123456}, **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": State.DONE, "loss": 0.5, "duration_s": 2.25}, "loss 0.5"),
        ({"state": State.FAILED, "error": Failure(kind=FailureKind.NAN, message=HOSTILE)}, "nan: <script>"),
        ({}, "pending"),
    ],
)
def test_a_trial_shows_its_outcome_and_parameters(changes: Any, expected: str) -> None:
    text = text_of(trial(**changes))
    assert expected in text
    assert "lr 0.1235" in text


def test_an_experiment_shows_its_state_and_limits() -> None:
    experiment = Experiment(
        exp_key=HOSTILE,
        space={},
        space_fingerprint="",
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
        budget=Budget(max_evals=40),
    )
    text = text_of(experiment)
    assert "state running" in text
    assert "max_evals 40" in text


def test_trials_show_counts_and_the_best_of_them() -> None:
    trials = Trials()
    assert text_of(trials) == "0 trials: 0 with a loss"

    def objective(config: Any) -> Any:
        if config["x"] > 0.5:
            return {"status": "fail"}
        return {"status": "ok", "loss": config["x"]}

    space = {"x": graph_hp.uniform("x", 0, 1), "kind": graph_hp.choice(HOSTILE, ["adam", None])}
    fmin(objective, space, rand.suggest, 30, trials=trials, rstate=1, show_progressbar=False)
    text = text_of(trials)
    n_ok = trials.statuses().count("ok")
    assert text.startswith(f"30 trials: {n_ok} with a loss, {30 - n_ok} failed trial loss")
    assert f"{trials.best_trial['tid']} {trials.best_trial['result']['loss']:.4g}" in text
    assert "adam" in text
    assert len(trials._repr_html_()) < 5000

"""Whether it is worth going on, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.coordination.forecast import Forecast
from hpsearch.core.trial import State
from hpsearch.report.search_page import search_text
from hpsearch.report.worth_text import worth_text
from tests.support.progress_states import NOW, progress


def found(**fields: Any) -> Forecast:
    known = {"n_trials": 100, "n_last": 50, "gain_last": 0.0123456, "n_improvements": 4, "most": 0.0123456}
    return Forecast(**{**known, **fields})


@pytest.mark.parametrize(
    ("forecast", "per_minute", "sentence"),
    [
        (
            found(),
            1.0,
            (
                "the last 50 trials improved the best loss by 0.01235 (4 times); "
                "as many again take about 1 h 40 min and may bring 0 to 0.01235"
            ),
        ),
        (
            found(n_improvements=1),
            None,
            (
                "the last 50 trials improved the best loss by 0.01235 (once); "
                "as many again may bring 0 to 0.01235"
            ),
        ),
        (
            found(gain_last=0.0, n_improvements=0, most=0.0),
            0.0,
            "the last 50 trials did not improve the best loss; as many again may bring nothing",
        ),
    ],
)
def test_a_sentence_says_what_was_gained_and_what_may_be(
    forecast: Forecast, per_minute: float | None, sentence: str
) -> None:
    assert worth_text(forecast, per_minute) == sentence


def test_the_page_of_a_search_has_the_sentence_once_it_is_known() -> None:
    counts = {State.DONE: 100}
    assert "improved the best loss by 0.01235" in search_text(progress(counts=counts, forecast=found()), NOW)
    assert "improved" not in search_text(progress(counts=counts), NOW)

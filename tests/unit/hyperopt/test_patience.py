"""How long a script waits for its database."""

from __future__ import annotations

import pytest

from hpsearch.hyperopt.mongo.jobs import PATIENCE_S, Patience


def test_a_script_waits_longer_while_it_leads_a_search():
    patience = Patience()
    assert (patience(PATIENCE_S - 1), patience(PATIENCE_S)) == (True, False)
    with patience.lasting():
        assert patience(1e9)
    assert not patience(PATIENCE_S)


@pytest.mark.parametrize(
    ("timeout_s", "refused_s", "waits"), [(1e9, 599, True), (1e9, 600, False), (5, 5, False)]
)
def test_a_refusal_is_outlasted_by_a_script_that_leads_a_search_alone(timeout_s, refused_s, waits):
    patience = Patience()
    assert not patience.while_refused(0.0)
    with patience.lasting(timeout_s):
        assert patience.while_refused(refused_s) is waits
    assert not patience.while_refused(0.0)

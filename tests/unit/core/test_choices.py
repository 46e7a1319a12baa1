"""The names that commands offer."""

from __future__ import annotations

from hpsearch.core.choices import STATES
from hpsearch.core.trial import State


def test_commands_offer_all_states_of_a_trial() -> None:
    assert tuple(map(str, State)) == STATES

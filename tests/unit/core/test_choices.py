"""The names that commands offer."""

from __future__ import annotations

from hpsearch.core.choices import PRUNE_MODES, STATES
from hpsearch.core.experiment import PruneMode
from hpsearch.core.trial import State


def test_commands_offer_all_states_of_a_trial_and_all_modes_of_pruning() -> None:
    assert tuple(map(str, State)) == STATES
    assert tuple(map(str, PruneMode)) == PRUNE_MODES

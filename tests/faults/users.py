"""Commands of users during a campaign."""

from __future__ import annotations

import time

from tests.faults.evidence import Priority
from tests.faults.injections import Injection
from tests.faults.table import Outcome
from tests.faults.targets import Targets, chosen, outcome_of

#: Priorities that searches get.
_PRIORITIES = (1, 1, 2, 3, 5)


def act(targets: Targets, injection: Injection) -> Outcome | None:
    """Run a command of the lane "users"; None if no searches share the workers."""
    exp_keys = targets.fleet.exp_keys
    exp_key, priority = chosen(exp_keys, injection.target), chosen(_PRIORITIES, injection.length)
    if len(exp_keys) < 2 or exp_key is None or priority is None:
        return None
    if not targets.fleet.command("priority", exp_key, str(priority)):
        return None
    targets.priorities.append(Priority(exp_key=exp_key, at=time.monotonic(), priority=priority))
    return outcome_of(injection, 1, "searches", [], note=f"{exp_key}: {priority}")

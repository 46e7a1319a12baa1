"""Objectives that a test sends by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import Trial
from hpsearch.objective.by_value.envelope import ATTACHMENT, Destination, pack
from hpsearch.objective.by_value.fingerprint import fingerprint
from tests.support.objectives import SPACE, TrialQueue

SECRET = "a secret that the fleet shares"


def made(source: str) -> Callable[..., Any]:
    """Return the ``objective`` of a script that no worker has."""
    script: dict[str, Any] = {"__name__": "__main__"}
    exec(source, script)
    objective: Callable[..., Any] = script["objective"]
    return objective


#: Makes what is sent to a destination.
Sealed = Callable[[Destination], bytes]


def send(
    queue: TrialQueue, objective: Callable[..., Any], n: int = 1, *, sealed: Sealed | None = None
) -> str:
    """Open an experiment whose objective is sent by value."""
    destination = Destination(database=queue.store.database, exp_key="sent", nonce="of this search")
    sealed = sealed or (lambda there: pack(objective, there, SECRET.encode()))
    queue.store.attach("sent", ATTACHMENT, sealed(destination))
    opened = queue.store.open_experiment(
        Experiment(
            exp_key="sent",
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=ObjectiveRef(
                kind="pickle",
                ref="__main__:objective",
                digest=fingerprint(objective),
                nonce=destination.nonce,
            ),
        )
    )
    made_at = opened.created_at  # by which a worker tells the trials of two searches under one name apart
    queue.store.insert(
        [Trial(exp_key="sent", exp_created_at=made_at, tid=i, values={"x": float(i)}) for i in range(n)]
    )
    return "sent"

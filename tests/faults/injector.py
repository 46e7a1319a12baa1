"""Injects faults, each lane in a separate thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

from tests.faults import network, processes, servers, users
from tests.faults.injections import Injection
from tests.faults.table import Outcome
from tests.faults.targets import Targets

#: Injects the faults of a lane; None if there was no target.
_LANES: Mapping[str, Callable[[Targets, Injection], Outcome | None]] = {
    "processes": processes.hit,
    "servers": servers.hit,
    "wire": network.hit,
    "commands": servers.answer_badly,
    "users": users.act,
}


class Injector:
    """Injects faults until ``stop``, and undoes them.

    Parameters
    ----------
    targets : Targets
        What they happen to.
    lanes : mapping of str to iterator of Injection
        The faults to come, by the lanes of ``LANES``.
    tell : callable
        Takes a line about each fault that was carried out.
    """

    def __init__(
        self, targets: Targets, lanes: Mapping[str, Iterator[Injection]], tell: Callable[[str], None]
    ) -> None:
        self._targets = targets
        self._tell = tell
        self.outcomes: list[Outcome] = []
        self.errors: list[BaseException] = []  #: of the campaign itself
        self._threads = [threading.Thread(target=self._run, args=lane, daemon=True) for lane in lanes.items()]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Inject no more faults, and return when all are undone."""
        self._targets.is_over.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _run(self, lane: str, injections: Iterator[Injection]) -> None:
        try:
            for injection in injections:
                if self._targets.is_over.wait(injection.pause_s):
                    return
                outcome = _LANES[lane](self._targets, injection)
                if outcome is not None:
                    self.outcomes.append(outcome)
                    self._tell(f"{injection.kind}: {outcome.n_hit} {outcome.unit} {outcome.note}")
        except BaseException as error:  # noqa: BLE001 - raised by ``stop``
            self.errors.append(error)

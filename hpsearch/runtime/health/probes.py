"""Decisions about liveness and readiness.

Liveness is whether a restart would help, readiness whether the process can work now. A restart does not help
in an outage of the database, so that only affects readiness: an orchestrator that restarted all workers would
lose their running evaluations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpsearch.runtime.health.stats import Contact

#: Seconds without a response of the database after which a process is not ready; a fail-over is shorter.
OUT_OF_CONTACT_S = 30.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe."""

    is_ok: bool
    sentence: str  #: the reason


def liveness(stalled: Mapping[str, float]) -> ProbeResult:
    """Return whether the process is alive.

    Parameters
    ----------
    stalled : mapping
        Stalled loops, and the seconds since their last step.
    """
    if not stalled:
        return ProbeResult(True, "alive")
    loops = ", ".join(f"{name} for {age_s:.0f} s" for name, age_s in sorted(stalled.items()))
    return ProbeResult(False, f"stalled: {loops}")


def readiness(contact: Contact | None, *, is_leaving: bool) -> ProbeResult:
    """Return whether the process can work now.

    Parameters
    ----------
    contact : Contact, optional
        Contact with the database; None before the first.
    is_leaving : bool
        Whether the process is about to end.
    """
    if is_leaving:
        return ProbeResult(False, "leaving: takes no new work")
    if contact is None:
        return ProbeResult(False, "starting: has not reached MongoDB yet")
    if contact.refused_s is not None:
        return ProbeResult(False, f"MongoDB has refused this user for {contact.refused_s:.0f} s")
    if contact.age_s > OUT_OF_CONTACT_S:
        return ProbeResult(False, f"MongoDB has not responded for {contact.age_s:.0f} s")
    return ProbeResult(True, "ready")

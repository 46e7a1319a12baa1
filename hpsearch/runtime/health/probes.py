"""What liveness and readiness mean here: pure decisions.

Liveness asks whether a restart would help, readiness whether the process can work now.
An outage of the database is cured by no restart, so it only ends the readiness: an
orchestrator that restarted all workers for it would lose what they evaluate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpsearch.runtime.health.stats import Contact

#: Seconds without an answer of the database after which a process is not ready. A fail-over is shorter.
OUT_OF_CONTACT_S = 30.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Yes or no, and why."""

    is_yes: bool
    sentence: str


def liveness(stalled: Mapping[str, float]) -> ProbeResult:
    """Say whether the process lives.

    Parameters
    ----------
    stalled : mapping
        Loops that stand still, and the seconds since their last step.
    """
    if not stalled:
        return ProbeResult(True, "alive")
    loops = ", ".join(f"{name} for {age_s:.0f} s" for name, age_s in sorted(stalled.items()))
    return ProbeResult(False, f"standing still: {loops}")


def readiness(contact: Contact | None, *, is_leaving: bool) -> ProbeResult:
    """Say whether the process can do its work now.

    Parameters
    ----------
    contact : Contact, optional
        With its database; None before it was first reached.
    is_leaving : bool
        Whether the process is about to end.
    """
    if is_leaving:
        return ProbeResult(False, "leaving: takes nothing new")
    if contact is None:
        return ProbeResult(False, "starting: has not reached MongoDB yet")
    if contact.refused_s is not None:
        return ProbeResult(False, f"MongoDB has refused this user for {contact.refused_s:.0f} s")
    if contact.age_s > OUT_OF_CONTACT_S:
        return ProbeResult(False, f"MongoDB has not answered for {contact.age_s:.0f} s")
    return ProbeResult(True, "ready")

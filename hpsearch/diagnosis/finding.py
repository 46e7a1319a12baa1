"""One thing that was looked at, and what is thought of it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is thought of something."""

    OK = "ok"
    WARNING = "warning"  #: works, with a limit or a risk that somebody should know of
    PROBLEM = "problem"  #: something does not work, or is not safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str  #: what was looked at, in a word or two
    verdict: Verdict
    text: str  #: what was found
    advice: str = ""  #: what to do; of every finding that is not ok


def ok(name: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(name=name, verdict=Verdict.OK, text=text)


def warning(name: str, text: str, advice: str) -> Finding:
    """Return a finding that somebody should know of."""
    return Finding(name=name, verdict=Verdict.WARNING, text=text, advice=advice)


def problem(name: str, text: str, advice: str) -> Finding:
    """Return a finding that somebody should mend."""
    return Finding(name=name, verdict=Verdict.PROBLEM, text=text, advice=advice)

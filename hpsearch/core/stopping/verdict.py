"""A decision whether a trial goes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision about a trial, with its reason."""

    is_stop: bool  #: whether the trial should stop
    step: float  #: step at which it was decided
    value: float  #: value of the trial there
    reason: str  #: such as "at step 9 of 81: 1.3 % chance to beat 0.042"
    version: int  #: version of the policy
    chance: float | None = None  #: probability of becoming the best; None where the rule has none

"""Faults of the network between MongoDB and the workers behind the proxy."""

from __future__ import annotations

import time

from tests.faults.evidence import Call
from tests.faults.fleet import BEHIND_PROXY, LEASE_S
from tests.faults.injections import Injection, Kind
from tests.faults.table import Outcome
from tests.faults.targets import Targets, outcome_of


def hit(targets: Targets, injection: Injection) -> Outcome | None:
    """Carry out a fault of the lane "wire"; None if there was no target."""
    if injection.kind in {Kind.RESET, Kind.DELAY, Kind.SILENCE}:
        return _disturb(targets, injection)
    return _cut(targets, injection)


def _cut(targets: Targets, injection: Injection) -> Outcome | None:
    """Cut the connection of the next claim or finish, or of its response."""
    proxy, kind = targets.proxy, injection.kind
    in_hand = _in_hand(targets)
    what = "claim" if "claim" in kind else "finish"
    n_before, deadline = proxy.n_cut, time.monotonic() + 2 * LEASE_S
    proxy.cut(what, before=kind in {Kind.CUT_BEFORE_CLAIM, Kind.CUT_BEFORE_FINISH})
    while proxy.n_cut == n_before and time.monotonic() < deadline:
        if targets.is_over.wait(0.1):
            break
    proxy.cut(what, before=True, times=0)
    n = proxy.n_cut - n_before
    return outcome_of(injection, n, "commands", in_hand, is_local=True) if n else None


def _disturb(targets: Targets, injection: Injection) -> Outcome:
    proxy = targets.proxy
    in_hand = _in_hand(targets)
    if injection.kind is Kind.RESET:
        return outcome_of(injection, proxy.reset(), "connections", in_hand, is_local=True)
    if injection.kind is Kind.DELAY:
        proxy.delay(0.1 + injection.length)
    else:
        proxy.hold(is_open=False)
    targets.outlast_lease(injection)
    proxy.delay(0)
    proxy.hold(is_open=True)
    return outcome_of(injection, len(in_hand), "trials in hand", in_hand, is_local=True)


def _in_hand(targets: Targets) -> list[Call]:
    return targets.in_hand([targets.fleet.workers[i] for i in BEHIND_PROXY])

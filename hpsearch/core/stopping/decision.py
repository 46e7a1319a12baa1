"""Whether a trial goes on after a report: a policy applied to its curve.

A policy is a plain document, so that it can be stored. Every policy has

``version``, ``rule``
    Number of the policy, and name of its rule.
``min_resource``, ``max_resource``
    No trial is stopped before the first step, or from the second one on; None where unknown.
``sign``
    -1 where higher reported values are better, else 1.

and the fields of its rule: ``stages`` and others of "auto" (``_by_chance``), ``brackets`` of the rules that
rank (``_by_rank``), ``lower`` and ``upper`` of "threshold", ``rival`` of "paired".

A policy may be old, or damaged: then a trial goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpsearch.core.stopping.chain import (
    Scale,
    chance_below,
    final_moments,
    stage_from_document,
)
from hpsearch.core.stopping.curve import Curve, RungValue
from hpsearch.core.stopping.paired import p_worse
from hpsearch.core.stopping.verdict import Verdict

Policy = Mapping[str, Any]


def decide(policy: Policy | None, curve: Curve, tid: int) -> Verdict | None:
    """Decide whether a trial goes on after its last report.

    Parameters
    ----------
    policy : mapping, optional
        The policy of the search; None if there is none yet.
    curve : Curve
        The reports of the trial.
    tid : int
        Its number, from which follow its bracket and whether it is exempt.

    Returns
    -------
    Verdict or None
        None where there is nothing to decide, as between rungs. An unusable policy decides nothing.
    """
    if policy is None or not curve.reports:
        return None
    try:
        return _decide(policy, curve, tid)
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None


def share_of(tid: int) -> float:
    """Return a number in [0, 1) for a trial; those of consecutive trials are evenly spread."""
    return tid * 0.6180339887498949 % 1.0


def _decide(policy: Policy, curve: Curve, tid: int) -> Verdict | None:
    step, value = curve.reports[-1]
    if not math.isfinite(value):
        return _verdict(policy, step, value, f"the value is {value}", is_stop=True)
    end, start = policy["max_resource"], policy["min_resource"]
    if (end is not None and step >= end) or (start is not None and step < start):
        return None
    rule = policy["rule"]
    if rule == "threshold":
        return _by_threshold(policy, step, value)
    if rule == "paired":
        return _by_pairs(policy, curve, tid)
    if not curve.reached:
        return None
    rung = curve.reached[-1]
    return _by_chance(policy, curve, tid) if rule == "auto" else _by_rank(policy, rung, tid)


def _by_chance(policy: Policy, curve: Curve, tid: int) -> Verdict | None:
    """Stop where the chance to beat the best trial is below a limit that grows with the step.

    Early predictions reach far, so they must be surer.
    """
    *earlier, rung = curve.rungs
    stages = [stage_from_document(stage) for stage in policy["stages"][rung.k - policy["first_rung"] :]]
    if rung.k < policy["first_rung"] or not stages:
        return None
    scale = Scale(*policy["scale"])
    u = scale.scaled(rung.value)
    before = scale.scaled(earlier[-1].value) if earlier and earlier[-1].k == rung.k - 1 else u
    mean, variance = final_moments(stages, u, before)
    freedom = min(stage.freedom for stage in stages)
    chance, goal = 1.0, policy["best"]
    if goal is not None:
        chance = chance_below(policy["best_scaled"], mean, variance, freedom)
    for k, rival_tid, rival_mean, rival_variance, rival_loss in policy["rivals"]:
        if k >= rung.k and rival_tid != tid:
            p = chance_below(rival_mean, mean, variance + rival_variance, freedom)
            chance, goal = min((chance, goal), (p, rival_loss), key=lambda pair: pair[0])
    if goal is None:
        return None
    is_exempt = share_of(tid) < policy["exempt"]
    limit = policy["delta"] * rung.step / policy["max_resource"]
    reason = f"{_percent(chance)} chance to beat {goal:.4g}"
    is_stop = chance < limit and not is_exempt
    if chance < limit and is_exempt:
        reason += ", but this trial runs to its end to learn from"
    return _verdict(policy, rung.step, rung.value, reason, is_stop=is_stop, chance=chance)


def _by_rank(policy: Policy, rung: RungValue, tid: int) -> Verdict | None:
    """Stop where the value is worse than the cut of the trials at this rung, in the trial's bracket."""
    brackets, place = policy["brackets"], share_of(tid)
    bracket = next((b for b in brackets if place < b["until"]), brackets[-1])
    for k, cut, n in bracket["cuts"]:
        if k == rung.k:
            is_stop = policy["sign"] * (rung.value - cut) > 0
            side = "worse than" if is_stop else "no worse than"
            reason = f"{rung.value:.4g} is {side} {cut:.4g}, the {policy['cut_name']} of {n} trials"
            return _verdict(policy, rung.step, rung.value, reason, is_stop=is_stop)
    return None


def _by_threshold(policy: Policy, step: float, value: float) -> Verdict | None:
    """Stop where the value lies outside the allowed range; there is nothing to say otherwise."""
    for bound, side in ((policy["upper"], "above"), (policy["lower"], "below")):
        if bound is not None and (value > bound if side == "above" else value < bound):
            return _verdict(policy, step, value, f"{value:.4g} is {side} {bound:.4g}", is_stop=True)
    return None


def _by_pairs(policy: Policy, curve: Curve, tid: int) -> Verdict | None:
    """Stop where the values are worse than those of the best trial at the same steps."""
    rival = policy["rival"]
    if rival is None or rival["tid"] == tid:
        return None
    theirs = dict(map(tuple, rival["reports"]))
    ours = dict(curve.reports)
    differences = [policy["sign"] * (ours[step] - theirs[step]) for step in ours if step in theirs]
    p = p_worse(differences)
    step, value = curve.reports[-1]
    if p >= policy["p"] or math.fsum(differences) <= 0:
        return None
    reason = f"worse than trial {rival['tid']} at {len(differences)} steps (p = {p:.2g})"
    return _verdict(policy, step, value, reason, is_stop=True)


def _verdict(
    policy: Policy, step: float, value: float, reason: str, *, is_stop: bool, chance: float | None = None
) -> Verdict:
    """Return a verdict, its reason with the step before it."""
    end = policy["max_resource"]
    place = f"at step {step:g}" if end is None else f"at step {step:g} of {end:g}"
    return Verdict(
        is_stop=is_stop,
        step=step,
        value=value,
        reason=f"{place}: {reason}",
        version=int(policy["version"]),
        chance=chance,
    )


def _percent(p: float) -> str:
    """Return a probability for people: "1.3 %"."""
    if p < 0.0005:
        return "less than 0.1 %"
    return f"{100 * p:.1f} %" if p < 0.0995 else f"{100 * p:.0f} %"

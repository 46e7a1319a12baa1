"""One trial as a page of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Ended, State, Trial
from hpsearch.report.failures import failure_text
from hpsearch.report.front_text import violation_text
from hpsearch.report.table import date_text
from hpsearch.report.text import duration_text, losses_text, number, params_lines, value_text
from hpsearch.runtime.escaping import escaped, printable
from hpsearch.runtime.strict_json import json_text

_LABEL_WIDTH = 14

#: Fields of a trial that its page does not show: those that have lines of their own, and internal ones.
_LEFT_OUT = frozenset(
    {"values", "owner", "priority", "lease_s", "lease_until", "heartbeat_at", "exp_created_at", "exp_key"}
) | {
    "tid",
    "state",
    "loss",
    "losses",
    "violations",
    "params",
    "origin",
    "attempt",
    "max_attempts",
    "worker",
    "duration_s",
    "error",
    "invalid",
    "tags",
    "note",
    "pruned",
    "verdict",
    "rungs",
}

#: What the origin of a trial means.
_ORIGINS: Mapping[str, str] = MappingProxyType(
    {
        "gp": "suggested by a Gaussian process of the losses",
        "tpe": "suggested by TPE, from the densities of good and bad trials",
        "anneal": "drawn near a good trial",
        "repeat": "evaluates the best point again, to learn how noisy losses are",
        "random": "drawn at random from the space",
        "sobol": "spread evenly over the space",
        "warm_start": "from an earlier search",
        "script": "suggested by a script",
        "enqueued": "added by hpsearch enqueue",
        "retry": "a failed trial, evaluated again",
    }
)


def best_text(trial: Trial, believed_loss: float | None = None, goal: Goal = LOSS) -> str:
    """Return a trial with its loss and its parameters, one parameter a line.

    Parameters
    ----------
    trial : Trial
        The trial.
    believed_loss : float, optional
        What its loss would be without noise, if that is known.
    goal : Goal
        That of its search.
    """
    believed = "" if believed_loss is None else f"  believed {number(goal.value(believed_loss))}"
    headline = f"trial {trial.tid}  {trial_losses_text(trial, goal)}{believed}"
    return "\n".join([headline, *params_lines(trial.params)])


def trial_losses_text(trial: Trial, goal: Goal) -> str:
    """Return the loss of a trial, or its losses, by name.

    Parameters
    ----------
    trial : Trial
        The trial.
    goal : Goal
        That of a search with one objective.
    """
    if trial.losses is not None:
        return losses_text(trial.losses)
    return f"{escaped(goal.name)} {'none' if trial.loss is None else number(goal.value(trial.loss))}"


def trial_text(
    trial: Trial,
    attachments: Sequence[str] = (),
    goal: Goal = LOSS,
    outcomes: Outcomes | None = None,
) -> str:
    """Return everything about a trial, the essential first and long texts last.

    Parameters
    ----------
    trial : Trial
        The trial.
    attachments : sequence of str
        Names of its attachments.
    goal : Goal
        That of its search.
    outcomes : Outcomes, optional
        Those of its search.
    """
    facts = _facts(trial, attachments, goal)
    lines = [*_essentials(trial, goal, outcomes), *_params(trial), *facts, *_error_facts(trial)]
    return printable("\n".join(lines))


def origin_text(origin: str) -> str:
    """Return what suggested a trial, with an explanation if there is one."""
    meaning = _ORIGINS.get(origin)
    if origin.startswith("hyperopt:"):
        meaning = "imported; the number is Hyperopt's"
    return origin if meaning is None else f"{origin} ({meaning})"


def _essentials(trial: Trial, goal: Goal, outcomes: Outcomes | None) -> Iterator[str]:
    yield _line("trial", f"{trial.tid} of {trial.exp_key}")
    yield _line("state", str(trial.state))
    if trial.pruned is not None:
        yield _line("pruned", trial.pruned)
    elif trial.verdict is not None:
        yield _line("verdict", trial.verdict.reason)
    if trial.error is not None:
        yield _line("error" if trial.state is State.FAILED else "problem", failure_text(trial))
    if trial.invalid is not None:
        when = f"since {date_text(trial.invalid.at)}"
        yield _line("invalid", f"{when}: {trial.invalid.why}" if trial.invalid.why else when)
    if trial.tags:
        yield _line("tags", ", ".join(trial.tags))
    if trial.note:
        yield _line("note", trial.note)
    if trial.loss is not None:
        yield _line(goal.name, number(goal.value(trial.loss)))
    for name, loss in (trial.losses or {}).items():
        yield _line(name, number(loss))
    if outcomes is not None and trial.violations:
        yield _line("limits", "kept" if trial.feasible else violation_text(trial, outcomes))
    if trial.duration_s is not None:
        yield _line("duration", duration_text(trial.duration_s))
    if trial.origin:
        yield _line("origin", origin_text(trial.origin))
    if trial.attempt:
        yield _line("attempt", f"{trial.attempt}{_resumed_text(trial)}")
    if trial.worker is not None:
        yield _line("worker", f"{trial.worker.name}, pid {trial.worker.pid} on {trial.worker.host}")


def _params(trial: Trial) -> Iterator[str]:
    if trial.params:
        yield "params"
        yield from params_lines(trial.params)


def _facts(trial: Trial, attachments: Sequence[str], goal: Goal) -> Iterator[str]:
    for name, value in {**asdict(trial), "attachments": tuple(attachments)}.items():
        if value is None or value == () or value == {} or name in _LEFT_OUT:
            continue
        match name, value:
            case "result", _:
                yield "result"
                yield from params_lines({key: _result_text(item) for key, item in value.items()})
                continue
            case "attachments", _:
                text = ", ".join(attachments)
            case "reports", _:
                text = ", ".join(f"{number(r.step)}: {number(goal.value(r.value))}" for r in trial.reports)
            case "checkpoint", _:
                text = _checkpoint_text(trial)
            case "history", _:
                text = "; ".join(map(_ended_text, trial.history))
            case _, datetime():
                text = date_text(value)
            case _:
                text = value_text(value)
        yield _line(name, text)


def _result_text(value: Any) -> Any:
    return json_text(value) if isinstance(value, Mapping | list | tuple) else value


def _resumed_text(trial: Trial) -> str:
    """Return where the present attempt goes on, if not at the beginning."""
    if not trial.history or trial.history[-1].step is None or trial.attempt <= trial.history[-1].attempt:
        return ""
    return f", resumed at step {number(trial.history[-1].step)}"


def _checkpoint_text(trial: Trial) -> str:
    pointer = trial.checkpoint
    assert pointer is not None
    content = pointer.path or f"{pointer.n_bytes:,} bytes"
    return f"at step {number(pointer.step)}, {date_text(pointer.at)}, {content}"


def _ended_text(ended: Ended) -> str:
    where = f" on {ended.worker}" if ended.worker else ""
    step = "" if ended.step is None else f", to go on at step {number(ended.step)}"
    return f"attempt {ended.attempt}{where} ended {date_text(ended.ended_at)}: {ended.why}{step}"


def _error_facts(trial: Trial) -> Iterator[str]:
    if trial.error is None:
        return
    found = [(name, str(value)) for name, value in asdict(trial.error).items() if value is not None]
    yield "error"
    for name, text in sorted(found, key=lambda fact: "\n" in fact[1].strip()):
        is_long = "\n" in text.strip()
        yield f"  {name}" if is_long else f"  {name:<{_LABEL_WIDTH - 2}}{text.strip()}"
        if is_long:
            yield text.rstrip("\n")


def _line(name: str, text: str) -> str:
    label = f"{escaped(name):<{_LABEL_WIDTH - 2}}  "
    return f"{label}{escaped(text)}"

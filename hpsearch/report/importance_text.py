"""The importance of parameters as rows and as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hpsearch.core.goal import LOSS, Goal
from hpsearch.report.numbers.best_values import BestOptions, BestRange
from hpsearch.report.numbers.importance import Importance, Method, ParameterImportance, Target
from hpsearch.report.text import number

#: The columns of a table and of CSV.
IMPORTANCE_COLUMNS = ("parameter", "share", "band", "interacts_with", "best", "branch")

#: The schema of the JSON document.
SCHEMA = "hpsearch.importance/1"


def importance_document(found: Importance) -> dict[str, Any]:
    """Return the importance with all digits, as a document for JSON; programs rely on the keys."""
    return {"schema": SCHEMA, **asdict(found)}


def importance_rows(found: Importance, *, is_table: bool) -> list[dict[str, Any]]:
    """Return a row for each parameter.

    Parameters
    ----------
    found : Importance
        The importance.
    is_table : bool
        For people: shares with two decimals, which are all that is known, and texts in empty cells.
    """
    return [_row(parameter, is_table=is_table) for parameter in found.parameters]


def importance_sentences(found: Importance, goal: Goal = LOSS) -> list[str]:
    """Return what the numbers are, how far to trust them, and what they leave out.

    Parameters
    ----------
    found : Importance
        The importance.
    goal : Goal
        That of the search.
    """
    return [*_sentences(found, goal), *([found.note] if found.note else [])]


def best_text(best: BestRange | BestOptions) -> str:
    """Return where the best trials are, as ``0.001 .. 0.01`` or ``adam 80 %, sgd 20 %``."""
    match best:
        case BestRange(low=low, high=high):
            return number(low) if low == high else f"{number(low)} .. {number(high)}"
        case BestOptions(names=(only,), shares=(share,)) if share > 0.99:
            return only
        case BestOptions(names=names, shares=shares):
            return ", ".join(f"{name} {share:.0%}" for name, share in zip(names, shares, strict=True))


def _row(parameter: ParameterImportance, *, is_table: bool) -> dict[str, Any]:
    band = parameter.band
    return {
        "parameter": parameter.label,
        "share": f"{parameter.share:.2f}" if is_table else parameter.share,
        "band": (f"±{band:.2f}" if band is not None else None) if is_table else band,
        "interacts_with": ", ".join(parameter.interacts_with) or None,
        "best": None if parameter.best is None else best_text(parameter.best),
        "branch": parameter.branch,
    }


def _sentences(found: Importance, goal: Goal) -> Iterator[str]:
    if not found.parameters:
        return
    place = "" if found.within is None else f" where {found.within}"
    if found.method is Method.GOOD_TRIALS:
        yield f"What the best tenth of {found.n_trials:,} trials have in common (PED-ANOVA)."
        return
    counted = f"{found.n_used:,}"
    if found.n_used < found.n_trials:
        counted += f" of {found.n_trials:,}"
    what = "whether a trial fails" if found.target is Target.FAILURES else f"the {goal.name}"
    trusted = "" if found.r2 is None else f" (R2 {found.r2:.2f})"
    yield f"Share of the differences in {what}{place}, by a model of {counted} trials{trusted}."
    if found.span is not None:
        low, high = map(number, sorted(map(goal.value, found.span)))
        scale = ", compared by their logarithms" if found.is_log else ""
        plural = "losses" if goal.is_loss else f"values of {goal.name}"
        yield f"Over this space, four of five {plural} are between {low} and {high}{scale}."

"""What a search declares about its results: several objectives, and outcome limits.

A search with one objective and no limits needs nothing of this: its ``Goal`` says where the loss comes from.
``Outcomes`` describes any other: the objectives, each a number of the result to minimise or maximise, and the
limits, which bound numbers of the result. A trial is feasible if it keeps all limits. An equality is refused:
no trial would meet it by chance; the objective can compute one parameter from the others instead.

An outcome limit is about what comes out of a trial. Conditions on what goes in, the parameters, belong to the
space (``space.predicate``).

Documents and views keep the numbers as the objective returned them. Suggesters learn from minimised ones, and
from the amount by which each limit is exceeded, which is negative or zero where the limit is kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hpsearch.core.goal import LOSS, Goal
from hpsearch.errors import ConfigurationError

Operator = Literal["<=", ">="]

#: A limit as people write it; the longest operators first.
_LIMIT = re.compile(
    r"\s*(?P<name>[^<>=!]*?)\s*(?P<operator><=|>=|==|!=|<|>|=)\s*(?P<bound>.*?)\s*", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound of a number in the result."""

    name: str  #: key of the number in the result, ``outer.inner`` in a dict there
    operator: Operator = "<="
    bound: float = 0.0  #: finite

    def amount(self, value: float) -> float:
        """Return by how much a number exceeds the bound; zero or less keeps the limit."""
        return value - self.bound if self.operator == "<=" else self.bound - value

    def __str__(self) -> str:
        bound = repr(self.bound).removesuffix(".0")
        return f"{self.name} {self.operator} {bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One of several numbers to optimize."""

    name: str  #: what views call it, and its key among the losses of a trial
    goal: Goal
    limit: Limit | None = None  #: the worst value that is of any use, if one is declared

    @property
    def reference(self) -> float:
        """The bound of the limit in minimised form; NaN without one."""
        return math.nan if self.limit is None else self.goal.loss(self.limit.bound)

    def __str__(self) -> str:
        return f"{self.name}:{'max' if self.goal.maximize else 'min'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The objectives and limits of a search; made by ``declared_outcomes``."""

    objectives: tuple[Objective, ...]  #: at least one
    limits: tuple[Limit, ...] = ()  #: those of objectives, too; at most one for each name

    @property
    def has_several_objectives(self) -> bool:
        """Whether a trial has several losses instead of one."""
        return len(self.objectives) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return tuple(objective.name for objective in self.objectives)

    @property
    def reference(self) -> tuple[float, ...]:
        """The limit of each objective in minimised form, NaN where there is none."""
        return tuple(objective.reference for objective in self.objectives)

    def minimised(self, losses: Mapping[str, float]) -> tuple[float, ...]:
        """Return the losses in the order of the objectives, so that lower is better for each."""
        return tuple(objective.goal.loss(losses[objective.name]) for objective in self.objectives)

    def limited(self, limit: Limit, returned: Mapping[Any, Any]) -> tuple[Any, bool]:
        """Return the number of a limit in a result, and whether it is already the amount.

        Parameters
        ----------
        limit : Limit
            One of the limits.
        returned : mapping
            What the objective returned. Its ``constraints`` are amounts, by name or as a list of "c0",
            "c1" and so on; any other number is compared with the bound.
        """
        constraints = returned.get("constraints")
        if isinstance(constraints, list | tuple):
            constraints = {f"c{i}": amount for i, amount in enumerate(constraints)}
        if isinstance(constraints, Mapping) and limit.name in constraints:
            return constraints[limit.name], True
        goals = [one.goal for one in self.objectives if one.name == limit.name]
        return (goals or [Goal(metric=limit.name)])[0].in_result(returned), False

    def amounts(self, violations: Mapping[str, float]) -> tuple[float, ...]:
        """Return the amounts of a trial in the order of the limits."""
        return tuple(violations[limit.name] for limit in self.limits)


def outcomes_from(
    objectives: Mapping[str, str] | None, limits: Mapping[str, str] | None
) -> tuple[Goal, Outcomes | None]:
    """Return the goal and the outcomes that arguments in Python declare.

    Parameters
    ----------
    objectives : mapping of str to str, optional
        "min" or "max" by name.
    limits : mapping of str to str, optional
        Texts such as "<= 8" by name.

    Raises
    ------
    ConfigurationError
        If one cannot be read.
    """
    for argument, given in (("objectives", objectives), ("limits", limits)):
        if given is not None and not isinstance(given, Mapping):
            raise ConfigurationError(f"{argument} must be a dict by name, not a {type(given).__name__}.")
    several = [objective_of(name, direction) for name, direction in (objectives or {}).items()]
    bounds = [parse_limit(f"{name} {bound}") for name, bound in (limits or {}).items()]
    goal = goal_of(several)
    return goal, declared_outcomes(several, bounds, goal)


def goal_of(objectives: Sequence[Objective]) -> Goal:
    """Return the goal of a search with these objectives; the loss unless there is exactly one."""
    if len(objectives) != 1 or objectives[0].goal == Goal(metric="loss"):
        return LOSS
    return objectives[0].goal


def outcomes_text(goal: Goal, outcomes: Outcomes | None) -> str:
    """Return what a search optimizes as the predicate of a sentence.

    Parameters
    ----------
    goal : Goal
        That of a search with one objective.
    outcomes : Outcomes or None
        Several objectives, or limits.
    """
    if outcomes is None:
        return str(goal)
    text = f"has the objectives {', '.join(map(str, outcomes.objectives))}"
    text = text if outcomes.has_several_objectives else str(goal)
    if not outcomes.limits:
        return text
    return f"{text} with the limit{'s' * (len(outcomes.limits) > 1)} {', '.join(map(str, outcomes.limits))}"


def total_violation(amounts: Iterable[float]) -> float:
    """Return the sum of the amounts by which limits are exceeded; 0 if and only if all are kept."""
    return sum((max(amount, 0.0) for amount in amounts), start=0.0)


def parse_objective(text: str) -> Objective:
    """Return the objective that a text such as "error:min" or "accuracy:max" describes.

    Raises
    ------
    ConfigurationError
        If it describes none.
    """
    name, colon, direction = text.rpartition(":")
    return objective_of(name, direction) if colon else objective_of(text, "min")


def objective_of(name: str, direction: str) -> Objective:
    """Return an objective without a limit.

    Parameters
    ----------
    name : str
        Key of the number in the result.
    direction : str
        "min" or "max".

    Raises
    ------
    ConfigurationError
        If the direction is another text, or the name is empty.
    """
    if direction not in {"min", "max"} or not name.strip():
        raise ConfigurationError(
            f"The objective {f'{name}:{direction}'!r} is not NAME:min or NAME:max, such as error:min."
        )
    metric, maximize = name.strip(), direction == "max"
    return Objective(name=metric, goal=Goal(metric=metric, maximize=maximize))


def parse_limit(text: str) -> Limit:
    """Return the limit that a text such as "memory_gb <= 8" or "accuracy >= 0.9" describes.

    A name alone is a limit of 0, for an amount that the objective computes itself.

    Raises
    ------
    ConfigurationError
        If it describes none; says why.
    """
    found = _LIMIT.fullmatch(text)
    if found is None and text.strip():
        return Limit(name=text.strip())
    if found is None or not found["name"] or not found["bound"]:
        raise ConfigurationError(f"The limit {text!r} is not NAME <= NUMBER or NAME >= NUMBER.")
    if found["operator"] in {"=", "==", "!="}:
        raise ConfigurationError(
            f"The limit {text!r} is an equality, which no trial would meet; give a bound with <= or >=, or "
            "compute one parameter from the others in the objective."
        )
    if found["operator"] in {"<", ">"}:
        raise ConfigurationError(f"The limit {text!r} has no equal sign; write {found['operator']}= instead.")
    return Limit(
        name=found["name"],
        operator="<=" if found["operator"] == "<=" else ">=",
        bound=_bound(found["bound"], text),
    )


def declared_outcomes(
    objectives: Sequence[Objective], limits: Sequence[Limit], goal: Goal
) -> Outcomes | None:
    """Return the outcomes of a search, or None if it has one objective and no limits.

    Parameters
    ----------
    objectives : sequence of Objective
        Those declared; none or one means the goal.
    limits : sequence of Limit
        Those declared, on objectives and other numbers.
    goal : Goal
        That of a search with one objective.

    Raises
    ------
    ConfigurationError
        If two objectives or two limits have the same name.
    """
    for kind, names in (
        ("objective", [one.name for one in objectives]),
        ("limit", [one.name for one in limits]),
    ):
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(f"{name!r} has more than one {kind}; leave one.")
    several = tuple(objectives) if len(objectives) > 1 else (Objective(name=goal.name, goal=goal),)
    if len(several) == 1 and not limits:
        return None
    return Outcomes(
        objectives=tuple(
            Objective(name=one.name, goal=one.goal, limit=_worst_of_use(one, limits)) for one in several
        ),
        limits=tuple(limits),
    )


def _worst_of_use(objective: Objective, limits: Iterable[Limit]) -> Limit | None:
    operator = ">=" if objective.goal.maximize else "<="
    return next((one for one in limits if one.name == objective.name and one.operator == operator), None)


def _bound(text: str, limit: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ConfigurationError(f"The limit {limit!r} has the bound {text!r}, which is not a finite number.")
    return bound

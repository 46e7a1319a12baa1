"""The options that say what a search optimizes: one number, or several, and limits of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from hpsearch.cli.options import option
from hpsearch.core.goal import Goal
from hpsearch.core.outcomes import (
    Limit,
    Objective,
    Outcomes,
    declared_outcomes,
    goal_of,
    parse_limit,
    parse_objective,
)
from hpsearch.errors import ConfigurationError

T = TypeVar("T", Limit, Objective)


class _Declaration(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """An objective or a limit; several in an environment variable are separated by semicolons.

    Parameters
    ----------
    name : str
        What help calls it.
    parse : callable
        Returns the value of a text; raises ``ConfigurationError``.
    """

    envvar_list_splitter = ";"

    def __init__(self, name: str, parse: Callable[[str], Limit | Objective]) -> None:
        self.name, self._parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ConfigurationError as error:
            raise click.BadParameter(str(error), ctx, param) from error


OBJECTIVE = _Declaration("name:min|max", parse_objective)
LIMIT = _Declaration("name <= number", parse_limit)

OUTCOME_OPTIONS = (
    option(
        "--metric",
        metavar="NAME",
        help="Minimise this number of the dict that the objective returns [default: loss].",
    ),
    option(
        "--maximize",
        is_flag=True,
        default=None,
        help="Maximise what the objective returns, or the metric; all views show it as it is.",
    ),
    option(
        "--objective",
        multiple=True,
        type=OBJECTIVE,
        metavar="NAME:min|max",
        help="One of several numbers of the result to optimize; repeatable.",
    ),
    option(
        "--limit",
        multiple=True,
        type=LIMIT,
        metavar='"NAME <= NUMBER"',
        help="A bound (<= or >=) of a number of the result that a good trial keeps; repeatable.",
    ),
    option(
        "--until",
        metavar="CONDITION",
        help="End when a trial on the front fulfils this: 'error <= 0.03 and ms <= 10'.",
    ),
)


def declared(
    goal: Goal,
    present: Outcomes | None,
    objectives: Sequence[Objective],
    limits: Sequence[Limit],
    *,
    has_goal: bool,
) -> tuple[Goal, Outcomes | None]:
    """Return the goal and the outcomes that options declare.

    Parameters
    ----------
    goal : Goal
        By --metric and --maximize.
    present : Outcomes or None
        Those that remain where no objective, or no limit, is given.
    objectives : sequence of Objective
        Those given.
    limits : sequence of Limit
        Those given.
    has_goal : bool
        Whether --metric or --maximize is given.

    Raises
    ------
    ConfigurationError
        If they contradict each other.
    """
    several: tuple[Objective, ...] = ()
    if objectives and has_goal:
        raise ConfigurationError("--objective names what to optimize: leave --metric and --maximize out.")
    if objectives:
        goal, several = goal_of(objectives), tuple(objectives)
    elif present is not None and present.has_several_objectives and not has_goal:
        several = present.objectives
    kept = () if present is None else present.limits
    return goal, declared_outcomes(several, tuple(limits) or kept, goal)

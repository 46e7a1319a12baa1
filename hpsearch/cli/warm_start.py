"""The option ``--warm-start``: where a new search begins."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import print_or_log

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.core.warm_start import WarmStart
    from hpsearch.space.tree import Space
    from hpsearch.store.protocol import TrialStore

NONE, AUTO = "none", "auto"


def sources_in(text: str | None) -> list[str] | None:
    """Return the names of the searches that a value of the option lists; None for "auto" and "none"."""
    return None if text in {None, NONE, AUTO} else [key.strip() for key in str(text).split(",")]


def warm_started(store: TrialStore, wanted: Experiment, space: Space, text: str | None) -> Experiment:
    """Return a new experiment with its warm start; without the option, show a hint if one is possible.

    Parameters
    ----------
    store : TrialStore
        The store.
    wanted : Experiment
        The experiment, which is not stored yet.
    space : Space
        Its space.
    text : str or None
        The value of the option.

    Raises
    ------
    NotFoundError
        If there is no search of a given name.
    ConfigurationError
        If a named search cannot be used.
    """
    from hpsearch.coordination.warm_start import choose_warm_start, similar_search

    if text == NONE:
        return wanted
    if text is None:
        similar = similar_search(store, wanted, space)
        if similar is not None:
            print_or_log(
                f"{similar!r} searched this space: --warm-start {shlex.quote(similar)} "
                "begins with what it found.",
                Event.SIMILAR_SEARCH.of(exp_key=wanted.exp_key, source=similar),
            )
        return wanted
    chosen = choose_warm_start(store, wanted, space, sources_in(text))
    sources = {source.exp_key: source.n_trials for source in chosen.sources}
    print_or_log(
        _description(chosen),
        Event.WARM_STARTED.of(exp_key=wanted.exp_key, sources=sources, n_points=len(chosen.points)),
    )
    return replace(wanted, warm_start=chosen)


def report_other_start(experiment: Experiment, text: str | None) -> None:
    """Report that a joined experiment began differently from what the option asks for.

    Parameters
    ----------
    experiment : Experiment
        As stored.
    text : str or None
        The value of the option.
    """
    begun = experiment.warm_start
    if text is None or (text == AUTO and begun is not None):
        return
    present = None if begun is None else ",".join(sorted(source.exp_key for source in begun.sources))
    asked = None if text == NONE else ",".join(sorted(set(sources_in(text) or [AUTO])))
    if asked != (present or None):
        report_ignored("--warm-start", text, present or None)


def report_ignored(name: str, asked: object, present: object) -> None:
    """Report that an option differs from what an experiment was created with.

    Parameters
    ----------
    name : str
        Name of the option.
    asked : any
        The given value; None if it is not given.
    present : any
        The stored value.
    """
    if asked is not None and asked != present:
        begun = f"without {name}" if present is None else f"with {name} {present}"
        print_or_log(
            f"The experiment was created {begun}, which cannot be changed.",
            Event.OPTION_IGNORED.of(option=name, asked=asked, present=present),
        )


def _description(chosen: WarmStart) -> str:
    from hpsearch.report.text import count_text

    if not chosen.sources:
        return "No earlier search of these parameters has a successful trial: the search begins without one."
    names = ", ".join(repr(source.exp_key) for source in chosen.sources)
    return f"The first {count_text(len(chosen.points), 'trial')} are the most promising of {names}."

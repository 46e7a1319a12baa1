"""Reads what a report shows, and the files that become part of it."""

from __future__ import annotations

from importlib.resources import files

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State
from hpsearch.report.explanation import read_explanation
from hpsearch.report.html.page import ReportContents, ReportFiles
from hpsearch.report.plotdata.kinds import kinds_for
from hpsearch.report.plotly.library import PLOTLY_FILE, THEME_FILE, static_bytes
from hpsearch.report.progress_reading import full_trials, read_standing
from hpsearch.report.read_search import read_search
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: Trials in the table of the best, and failed trials that are grouped by reason.
_N_BEST, _N_FAILED = 20, 1000


def read_contents(store: TrialStore, experiment: Experiment) -> ReportContents:
    """Read a search for a report.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search, with its space.
    """
    key, kinds = experiment.exp_key, kinds_for(experiment)
    data = read_search(store, experiment, {need for kind in kinds for need in kind.needs})
    standing = read_standing(store, experiment)
    front = None if standing is None else standing.front
    best = store.trials(key, sort="loss", limit=_N_BEST) if front is None else front.thinned(_N_BEST)
    return ReportContents(
        explanation=read_explanation(store, experiment),
        figures=[kind.build((data,)) for kind in kinds],
        best=list(best) if front is None else full_trials(store, tuple(best)),
        failed=list(store.trials(key, states={State.FAILED}, sort="newest", limit=_N_FAILED)),
        labels=Space.from_json(experiment.space).labels,
        now=store.now(),
    )


def report_files() -> ReportFiles:
    """Return the style sheet and the scripts of a report."""
    folder = files("hpsearch.report.html")
    library, theme = (static_bytes(name).decode() for name in (PLOTLY_FILE, THEME_FILE))
    own = folder.joinpath("report.js").read_text(encoding="utf-8")
    style = folder.joinpath("report.css").read_text(encoding="utf-8")
    return ReportFiles(style=style, scripts=(library, theme, own))

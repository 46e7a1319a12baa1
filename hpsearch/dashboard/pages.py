"""The pages: what each shows, read from the store and rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from hpsearch.core.experiment import Experiment
from hpsearch.core.goal import Goal
from hpsearch.core.trial import OUTPUT_NAME, State, Trial
from hpsearch.core.trial_filter import filter_of
from hpsearch.dashboard.access import Access
from hpsearch.dashboard.actions import RECORDS
from hpsearch.dashboard.buttons import search_buttons, trial_buttons
from hpsearch.dashboard.columns import Selection
from hpsearch.dashboard.figures import Figures, chosen_labels
from hpsearch.dashboard.loaded_search import LoadedSearch
from hpsearch.dashboard.rendering import Renderer, url
from hpsearch.dashboard.searches import Searches
from hpsearch.dashboard.sparkline import sparkline
from hpsearch.dashboard.trial_table import PAGE, TrialTable, cell, state_text, table_request, trial_table
from hpsearch.errors import NotFoundError, PredicateError
from hpsearch.report.comparison import comparison_cells, comparison_rows, record_of
from hpsearch.report.explain_text import Explanation, explain_sentences
from hpsearch.report.failures import failure_groups, failure_text
from hpsearch.report.front_text import closest_text, front_text
from hpsearch.report.importance_text import best_text, importance_sentences
from hpsearch.report.plotdata.kinds import KINDS, kinds_for
from hpsearch.report.progress_reading import read_progress
from hpsearch.report.rows import listed_searches, status_cells, status_row, worker_cells, worker_rows
from hpsearch.report.search_page import state_text as search_state
from hpsearch.report.search_page import time_text
from hpsearch.report.text import (
    config_text,
    count_text,
    counts_text,
    value_text,
    workers_text,
)
from hpsearch.report.trial_page import origin_text
from hpsearch.report.worth_text import worth_text
from hpsearch.runtime.strict_json import json_text
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: Seconds that a page waits for the first read of a search before it says that it is being read.
_PATIENCE_S = 1.5
#: Most searches of a list, workers of a page, searches of a comparison, and groups of failures.
_MAX_LISTED, _MAX_WORKERS, _MAX_COMPARED, _MAX_GROUPS, _MAX_FRONT = 200, 100, 8, 10, 10
#: What was done on pages that a page shows.
_MAX_RECORDS = 5
#: Trials that a condition selects at most.
_MAX_CONDITION = 5_000
#: Characters of a long text on a page, such as a traceback; longer ones are cut in the middle.
_MAX_TEXT = 100_000
#: Bytes of an attachment that can be fetched.
_MAX_ATTACHMENT = 512 * 1024 * 1024


class Pages:
    """Renders the pages; every method answers one address.

    Parameters
    ----------
    searches : Searches
        The searches in memory, with their store.
    figures : Figures
        The pictures.
    access : Access
        Signs the forms.
    is_writable : bool
        Whether the pages have buttons that change a search.
    """

    def __init__(self, searches: Searches, figures: Figures, access: Access, *, is_writable: bool) -> None:
        self._searches = searches
        self._store: TrialStore = searches.store
        self._figures = figures
        self._is_writable = is_writable
        self._renderer = Renderer(access, is_writable=is_writable)

    def searches_page(self, request: Request) -> Response:
        """Answer with the list of searches."""
        text, with_all = request.query_params.get("q", "").strip(), "all" in request.query_params
        known = self._store.experiments(omit_space=True)
        if text:
            known = [e for e in known if text.casefold() in e.exp_key.casefold()]
        shown, n_hidden = listed_searches(known, with_all=with_all or bool(text))
        n_hidden += max(0, len(shown) - _MAX_LISTED)
        shown, now = shown[:_MAX_LISTED], self._store.now()
        rows = [
            {**status_cells(status_row(progress, now)), "started": progress.experiment.started_at,
             "share": _share(progress.n_finished, progress.experiment.budget.max_evals)}
            for progress in read_progress(self._store, shown)
        ]  # fmt: skip
        return self._renderer.page(request, "searches.html", rows=rows, n_hidden=n_hidden, text=text)

    def search_page(self, request: Request) -> Response:
        """Answer with one search."""
        experiment = self._experiment(request)
        search = self._searches.find(experiment, _PATIENCE_S)
        if search is None:
            return self._loading_page(request, experiment)
        workers, now = self._store.workers(), self._store.now()
        progress = search.progress(workers)
        goal = experiment.goal
        serving = [worker for worker in workers if worker.serves(experiment.exp_key)]
        self._searches.explain(search)
        explanation = None if search.insight is None else search.insight.explanation
        best = None if progress.best is None else search.trials([progress.best.tid])
        return self._renderer.page(
            request,
            "search.html",
            experiment=search.experiment,
            title=experiment.exp_key,
            state=search_state(search.experiment, now),
            counts=counts_text(progress),
            share=_share(progress.n_finished, experiment.budget.max_evals),
            time=time_text(progress, now),
            worth=None
            if progress.forecast is None
            else worth_text(progress.forecast, progress.per_minute, goal.name),
            goal=goal,
            best=best[0] if best else None,
            spark=sparkline(*search.columns.best_so_far(), n=len(search.columns.states)),
            **_explained(explanation, goal),
            best_text=best_text,
            failures=failure_groups(search.failed)[:_MAX_GROUPS],
            failure_text=failure_text,
            workers=[worker_cells(row) for row in worker_rows(serving, search.running, now)][:_MAX_WORKERS],
            workers_text="" if experiment.state.is_over and not progress.workers else workers_text(progress),
            table=self._table(request, search),
            states=[*map(str, State), "invalid"],
            kinds=kinds_for(experiment),
            front=None if progress.front is None else front_text(progress.front),
            on_front=[] if progress.front is None else progress.front.thinned(_MAX_FRONT),
            closest=closest_text(progress),
            labels=search.columns.labels,
            actions=search_buttons(experiment),
            records=self._records(experiment) if self._is_writable else [],
            failed_states=frozenset({State.FAILED}),
            no_tids=frozenset(),
        )

    def numbers_page(self, request: Request) -> Response:
        """Answer with the numbers of a picture, for who does not see it."""
        experiment, name = self._experiment(request), request.path_params["kind"]
        if name not in KINDS:
            raise NotFoundError(f"There is no picture {name!r}.")
        search = self._searches.find(experiment, _PATIENCE_S)
        if search is None:
            return self._loading_page(request, experiment)
        self._searches.explain(search)
        chosen = chosen_labels(request, [search])
        return self._renderer.page(
            request,
            "numbers.html",
            experiment=experiment,
            kind=KINDS[name],
            figure=self._figures.figure(KINDS[name], [search], chosen),
            labels=search.columns.labels,
            chosen=chosen,
        )

    def trial_page(self, request: Request) -> Response:
        """Answer with one trial."""
        experiment = self._experiment(request)
        trial = self._trial(request, experiment)
        space = Space.from_json(experiment.space)
        names = self._store.attachments(experiment.exp_key, tid=trial.tid)
        return self._renderer.page(
            request,
            "trial.html",
            experiment=experiment,
            title=f"{experiment.exp_key}: trial {trial.tid}",
            trial=trial,
            state=state_text(trial),
            actions=trial_buttons(trial),
            goal=experiment.goal,
            origin=origin_text(trial.origin),
            params=[(label, cell(value)) for label, value in trial.params.items()],
            config=_config(space, trial),
            result=[(key, _result_text(value)) for key, value in trial.result.items()],
            failure=None if trial.error is None else failure_text(trial),
            error=[] if trial.error is None else _error_facts(trial),
            output=self._output(trial, names),
            attachments=[name for name in names if name != OUTPUT_NAME],
        )

    def attachment(self, request: Request) -> Response:
        """Answer with the content of an attachment of a trial, as a file to save."""
        experiment = self._experiment(request)
        name = request.query_params.get("name", "")
        tid = self._trial(request, experiment).tid
        data = self._store.attachment(experiment.exp_key, name, tid=tid, max_bytes=_MAX_ATTACHMENT)
        file = quote(name.rsplit("/", 1)[-1] or "attachment", safe="")
        disposition = {"content-disposition": f"attachment; filename*=UTF-8''{file}"}
        return Response(data, media_type="application/octet-stream", headers=disposition)

    def compare_page(self, request: Request) -> Response:
        """Answer with several searches side by side."""
        root = request.scope.get("root_path", "")
        keys = list(dict.fromkeys(request.query_params.getlist("key")))[:_MAX_COMPARED]
        query = urlencode([("key", key) for key in keys])
        found = [self._store.experiment(key) for key in keys]
        records = [
            record_of(progress, self._store.points(progress.experiment.exp_key))
            for progress in read_progress(self._store, found)
        ]
        return self._renderer.page(
            request,
            "compare.html",
            keys=keys,
            kind=KINDS["distribution"],
            figure_url=f"{url(root, 'compare', 'figure', 'distribution')}?{query}",
            rows=[comparison_cells(row) for row in comparison_rows(records)] if len(keys) > 1 else [],
            have_other_spaces=len({e.space_fingerprint for e in found}) > 1,
            have_other_objectives=len({e.objective.identity for e in found}) > 1,
            known=[e.exp_key for e in self._store.experiments(omit_space=True)][: -_MAX_LISTED - 1 : -1],
        )

    def message(
        self, request: Request, status: int, title: str, text: str, *, retries: bool = False
    ) -> Response:
        """Answer with a sentence instead of a page.

        Parameters
        ----------
        request : Request
            The request.
        status : int
            Status of HTTP.
        title, text : str
            The sentence.
        retries : bool
            Whether the browser asks again in a few seconds.
        """
        return self._renderer.page(
            request, "message.html", status=status, title=title, text=text, retries=retries
        )

    def _loading_page(self, request: Request, experiment: Experiment) -> Response:
        n = sum(self._store.counts(experiment.exp_key).values())
        return self.message(
            request, 200, experiment.exp_key, f"Reading {count_text(n, 'trial')} …", retries=True
        )

    def _experiment(self, request: Request) -> Experiment:
        return self._store.experiment(request.path_params["key"])

    def _trial(self, request: Request, experiment: Experiment) -> Trial:
        tid = request.path_params["tid"]
        if not tid.isdecimal() or len(tid) > 18:
            raise NotFoundError(f"There is no trial {tid!r}.")
        return self._store.trial(experiment.exp_key, int(tid))

    def _table(self, request: Request, search: LoadedSearch) -> TrialTable:
        labels = search.columns.labels
        wanted = table_request(request.query_params, labels)
        selection, note = wanted.selection, ""
        if wanted.has_condition:
            selection, note = self._with_condition(selection, search)
        tids = search.columns.select(selection)
        first = (wanted.page - 1) * PAGE
        trials = search.trials(tids[first : first + PAGE].tolist())
        return trial_table(wanted, trials, len(tids), search.experiment, labels, note)

    def _with_condition(self, selection: Selection, search: LoadedSearch) -> tuple[Selection, str]:
        """Return the selection with the trials that its condition selects, and what to know about it."""
        key, none = search.experiment.exp_key, frozenset({-1})
        try:
            where = filter_of(selection.text, search.columns.labels)
        except PredicateError as error:
            return replace(selection, text="", tids=none), str(error)
        found = self._store.trials(key, sort="newest", limit=_MAX_CONDITION, where=where)
        tids = frozenset(trial.tid for trial in found)
        note = f"Only the newest {_MAX_CONDITION:,} that match." if len(tids) == _MAX_CONDITION else ""
        tids = tids & selection.tids if selection.tids else tids
        return replace(selection, text="", tids=tids or none), note

    def _output(self, trial: Trial, names: Sequence[str]) -> str | None:
        """Return the end of what a trial printed; None if nothing is known."""
        if trial.error is not None and trial.error.log_tail:
            return trial.error.log_tail
        if OUTPUT_NAME not in names:
            return None
        try:
            data = self._store.attachment(trial.exp_key, OUTPUT_NAME, tid=trial.tid)
        except NotFoundError:
            return None
        return data.decode("utf-8", "replace")

    def _records(self, experiment: Experiment) -> list[str]:
        """Return what was done on pages last, newest first."""
        names = self._store.attachments(experiment.exp_key)
        done = [name.removeprefix(RECORDS).rsplit(" ", 1)[0] for name in names if name.startswith(RECORDS)]
        return [f"{action} at {at[:19]}" for at, _, action in (name.partition(" ") for name in done[::-1])][
            :_MAX_RECORDS
        ]


def _share(n: int, total: int | None) -> float | None:
    return None if not total else min(1.0, n / total)


def _explained(explanation: Explanation | None, goal: Goal) -> dict[str, Any]:
    """Return what the page of a search says beside its overview; little until it is computed."""
    if explanation is None:
        return {"sentences": [], "importance": None, "importance_notes": []}
    return {
        "sentences": [text for topic, text in explain_sentences(explanation) if topic != "result"],
        "importance": explanation.importance,
        "importance_notes": importance_sentences(explanation.importance, goal),
    }


def _config(space: Space, trial: Trial) -> str | None:
    """Return the argument of the objective as Python prints it; None for no point of the space."""
    try:
        return _cut(config_text(space.config(trial.values)))
    except Exception:  # noqa: BLE001 - a damaged trial has no configuration
        return None


def _result_text(value: Any) -> str:
    return _cut(
        json_text(value, indent=2) if isinstance(value, Mapping | list | tuple) else value_text(value)
    )


def _error_facts(trial: Trial) -> list[tuple[str, str]]:
    assert trial.error is not None
    facts = {name: value for name, value in asdict(trial.error).items() if name != "log_tail"}
    return [(name, _cut(str(value))) for name, value in facts.items() if value not in (None, "")]


def _cut(text: str) -> str:
    if len(text) <= _MAX_TEXT:
        return text
    half = _MAX_TEXT // 2
    return f"{text[:half]}\n… {len(text) - _MAX_TEXT:,} characters …\n{text[-half:]}"

"""The pictures of a page as JSON for plotly.js, computed once for each state of a search."""

from __future__ import annotations

import gzip
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hpsearch.dashboard.loaded_search import LoadedSearch
from hpsearch.dashboard.searches import Searches
from hpsearch.report.palette import CSS_VARIABLES
from hpsearch.report.plotdata.figure import Figure
from hpsearch.report.plotdata.kinds import KINDS, Kind, Need
from hpsearch.report.plotdata.search import SearchData
from hpsearch.report.plotly.figures import plotly_figure
from hpsearch.report.read_search import recent_trials, reporting_trials, with_surface
from hpsearch.report.text import count_text

#: Seconds that a picture waits for the first read of a search.
_PATIENCE_S = 0.5
#: Pictures that are kept; one has up to 100 KB.
_MAX_KEPT = 64
#: Parameters that a reader may choose for one picture.
MAX_LABELS = 12
_MODELLED = frozenset({Need.IMPORTANCE, Need.EFFECTS, Need.SURFACE})


@dataclass(frozen=True, slots=True)
class _Kept:
    """A picture of one state of its searches."""

    tag: str  #: tells the state from others
    body: bytes  #: compressed


class Figures:
    """Answers requests for pictures.

    Parameters
    ----------
    searches : Searches
        The searches in memory.
    """

    def __init__(self, searches: Searches) -> None:
        self._searches = searches
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()

    def answer(self, request: Request) -> Response:
        """Answer with a picture of one search, or of several that are compared."""
        kind = _kind(request)
        keys = _keys(request)[: kind.max_searches]
        found = [self._searches.find(self._searches.store.experiment(key), _PATIENCE_S) for key in keys]
        loaded = [search for search in found if search is not None]
        if len(loaded) < len(found):
            return _waiting(f"Reading {count_text(self._n_trials(keys), 'trial')} …")
        if _MODELLED & kind.needs:
            for search in loaded:
                self._searches.explain(search)
            if any(search.insight is None for search in loaded):
                return _waiting("Computing what matters …")
        labels = chosen_labels(request, loaded)
        tag = '"' + "-".join(_state_of(search, kind) for search in loaded) + '"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        n_columns = _n_columns(request)
        name = (kind.name, str(n_columns), *keys, "", *labels)
        body = self._body(name, tag, kind, loaded, labels, n_columns)
        headers = {"etag": tag, "cache-control": "no-cache", "content-encoding": "gzip"}
        return Response(body, media_type="application/json", headers=headers)

    def figure(self, kind: Kind, searches: Sequence[LoadedSearch], labels: tuple[str, ...] = ()) -> Figure:
        """Return a picture as values.

        Parameters
        ----------
        kind : Kind
            Its kind.
        searches : sequence of LoadedSearch
            What it shows.
        labels : tuple of str
            Parameters that the reader chose.
        """
        return kind.build(tuple(self._data(search, kind, labels) for search in searches))

    def _data(self, search: LoadedSearch, kind: Kind, labels: tuple[str, ...]) -> SearchData:
        key, store = search.experiment.exp_key, self._searches.store
        data, insight = SearchData(arrays=search.arrays()), search.insight
        if insight is not None and _MODELLED & kind.needs:
            data = replace(insight.pictures, arrays=data.arrays, labels=labels)
            if labels and Need.SURFACE in kind.needs:
                data = with_surface(data, insight.surrogate, search.experiment.seed)
        return replace(
            data,
            now=store.now().timestamp(),
            recent=recent_trials(store, key) if Need.RECENT in kind.needs else (),
            reporting=reporting_trials(store, key) if Need.REPORTING in kind.needs else (),
            labels=labels,
        )

    def _body(
        self,
        name: tuple[str, ...],
        tag: str,
        kind: Kind,
        searches: Sequence[LoadedSearch],
        labels: tuple[str, ...],
        n_columns: int,
    ) -> bytes:
        with self._lock:
            kept = self._kept.get(name)
        if kept is None or kept.tag != tag:
            figure = with_columns(self.figure(kind, searches, labels), n_columns)
            document = {
                **plotly_figure(figure, CSS_VARIABLES),
                "caption": figure.caption,
                "is_empty": not figure.panels,
            }
            kept = _Kept(tag, gzip.compress(json.dumps(document, separators=(",", ":")).encode(), 5))
        with self._lock:
            self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return kept.body

    def _n_trials(self, keys: Sequence[str]) -> int:
        return sum(sum(self._searches.store.counts(key).values()) for key in keys)


def chosen_labels(request: Request, searches: Sequence[LoadedSearch]) -> tuple[str, ...]:
    """Return the parameters that the reader chose for a picture, without those that a search does not have.

    Parameters
    ----------
    request : Request
        Its address has a ``label`` for each.
    searches : sequence of LoadedSearch
        What the picture shows.
    """
    wanted = dict.fromkeys(request.query_params.getlist("label"))
    known = [label for label in wanted if all(label in search.columns.labels for search in searches)]
    return tuple(known[:MAX_LABELS])


def with_columns(figure: Figure, n: int) -> Figure:
    """Return a figure whose panels stand in at most some columns, for a narrow page.

    Parameters
    ----------
    figure : Figure
        The figure.
    n : int
        The columns; at least one.
    """
    if figure.n_columns <= n or not figure.panels:
        return figure
    n_rows, n_before = (math.ceil(len(figure.panels) / columns) for columns in (n, figure.n_columns))
    return replace(figure, n_columns=n, height=figure.height * n_rows / n_before)


def _state_of(search: LoadedSearch, kind: Kind) -> str:
    """Return a text that differs between two states of a search in which a picture may differ."""
    insight = search.insight if _MODELLED & kind.needs else None
    return f"{id(search):x}.{search.version}.{0 if insight is None else insight.n_trials}"


def _n_columns(request: Request) -> int:
    text = request.query_params.get("columns", "")
    return min(max(int(text), 1), 9) if text.isdecimal() and len(text) < 4 else 9


def _kind(request: Request) -> Kind:
    name = request.path_params["kind"]
    if name not in KINDS:
        raise HTTPException(404, "There is no such picture.")
    return KINDS[name]


def _keys(request: Request) -> list[str]:
    if "key" in request.path_params:
        return [request.path_params["key"]]
    return list(dict.fromkeys(request.query_params.getlist("key")))


def _waiting(text: str) -> Response:
    body = json.dumps({"waiting": text}, ensure_ascii=False).encode()
    return Response(body, status_code=202, media_type="application/json")

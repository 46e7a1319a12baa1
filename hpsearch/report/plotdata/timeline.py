"""What each worker did when: a bar for each trial."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from hpsearch.core.trial import Trial
from hpsearch.report.plotdata.figure import Axis, Bars, Figure, Mark, Panel, Role, Table
from hpsearch.report.plotdata.parameter_axis import shortened
from hpsearch.report.plotdata.search import SearchData, role_of
from hpsearch.report.text import count_text, duration_text

#: Workers and bars of a picture.
MAX_WORKERS, MAX_BARS = 30, 2000
#: Characters of a worker's name; the end tells workers apart.
_NAME = 22
_TITLE = "Workers over time"
#: Longest time axes in seconds by their unit.
_UNITS = ((180.0, "seconds", 1.0), (3 * 3600.0, "minutes", 60.0), (4 * 86400.0, "hours", 3600.0))


class _Span(NamedTuple):
    worker: str
    role: Role
    tid: int
    start: float  # POSIX time
    end: float


def timeline(sources: tuple[SearchData, ...]) -> Figure:
    """Build a row of bars for each worker, the last trials of a long search.

    Parameters
    ----------
    sources : tuple of SearchData
        One search, with ``recent`` and ``now``.
    """
    source = sources[0]
    spans = sorted(_spans(source.recent, source.now), key=lambda span: span.end)[-MAX_BARS:]
    if not spans:
        what = "has no trials yet" if not len(source.arrays) else "has no trial that a worker has begun"
        return Figure(kind="timeline", title=_TITLE, caption=f"{source.arrays.exp_key} {what}.")
    counts = Counter(span.worker for span in spans)
    workers = sorted(name for name, _ in counts.most_common(MAX_WORKERS))
    spans = [span for span in spans if span.worker in set(workers)]
    first, last = min(span.start for span in spans), max(span.end for span in spans)
    unit, seconds = next(
        ((name, s) for longest, name, s in _UNITS if last - first <= longest), ("days", 86400.0)
    )
    end = max((last - first) / seconds, 1e-3)
    since = datetime.fromtimestamp(first, UTC)
    panel = Panel(
        x=Axis(title=f"{unit} since {since:%Y-%m-%d %H:%M:%S} UTC", low=-0.01 * end, high=1.01 * end),
        y=Axis(
            title="",
            low=len(workers) - 0.5,
            high=-0.5,
            ticks=tuple(float(i) for i in range(len(workers))),
            tick_labels=tuple(_short(name) for name in workers),
            is_named=True,
        ),
        marks=tuple(_bars(spans, workers, first, seconds)),
    )
    return Figure(
        kind="timeline",
        title=_TITLE,
        caption=_caption(source, spans, len(counts)),
        panels=(panel,),
        height=1.0 + 0.3 * len(workers),
        table=_table(spans, workers),
    )


def _spans(trials: Iterable[Trial], now: float | None) -> Iterable[_Span]:
    for trial in trials:
        if trial.worker is None or trial.claimed_at is None:
            continue
        start = trial.claimed_at.timestamp()
        ended = now if trial.finished_at is None else trial.finished_at.timestamp()
        if ended is not None and (trial.finished_at is not None or trial.lease_until is not None):
            yield _Span(trial.worker.name, role_of(trial), trial.tid, start, max(ended, start))


def _bars(spans: list[_Span], workers: list[str], first: float, seconds: float) -> Iterable[Mark]:
    places = {name: float(i) for i, name in enumerate(workers)}
    lanes = _lanes(spans)
    by_role: defaultdict[tuple[Role, int], list[tuple[_Span, float]]] = defaultdict(list)
    for span, (lane, n_lanes) in zip(spans, lanes, strict=True):
        place = places[span.worker] + ((lane + 0.5) / n_lanes - 0.5) * 0.8
        by_role[span.role, n_lanes].append((span, place))
    for (role, n_lanes), found in sorted(by_role.items()):
        yield Bars(
            name=str(role),
            role=role,
            places=np.array([place for _, place in found]),
            starts=np.array([(span.start - first) / seconds for span, _ in found]),
            ends=np.array([(span.end - first) / seconds for span, _ in found]),
            width=0.72 / n_lanes,
            tids=np.array([span.tid for span, _ in found], dtype=np.int64),
        )


def _lanes(spans: list[_Span]) -> list[tuple[int, int]]:
    """Return for each span its lane within its worker, and how many lanes the worker needs.

    A worker with several slots evaluates several trials at once.
    """
    ends: defaultdict[str, list[float]] = defaultdict(list)
    lanes = [0] * len(spans)
    for i in sorted(range(len(spans)), key=lambda i: spans[i].start):
        span = spans[i]
        busy = ends[span.worker]
        lane = next((k for k, end in enumerate(busy) if end <= span.start), len(busy))
        busy[lane : lane + 1] = [span.end]
        lanes[i] = lane
    return [(lane, len(ends[span.worker])) for lane, span in zip(lanes, spans, strict=True)]


def _short(name: str) -> str:
    text = shortened(name, 10_000)
    return text if len(text) <= _NAME else f"…{text[1 - _NAME :]}"


def _caption(source: SearchData, spans: list[_Span], n_workers: int) -> str:
    shown = count_text(len(spans), "trial")
    is_all = len(source.recent) == len(source.arrays) and len(spans) < MAX_BARS
    which = shown if is_all else f"The last {shown}"
    left = f" Shown are the {MAX_WORKERS} busiest of {n_workers} workers." if n_workers > MAX_WORKERS else ""
    return f"{which} on {count_text(min(n_workers, MAX_WORKERS), 'worker')}.{left}"


def _table(spans: list[_Span], workers: list[str]) -> Table:
    rows = []
    for name in workers:
        own = [span for span in spans if span.worker == name]
        busy = sum(span.end - span.start for span in own)
        failed = sum(span.role is Role.FAILED for span in own)
        rows.append((name, str(len(own)), str(failed), duration_text(busy)))
    return Table(header=("worker", "trials", "failed", "evaluating"), rows=tuple(rows))

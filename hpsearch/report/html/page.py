"""The page of a report: what is known of a search in words and tables, and its pictures."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hpsearch.core.trial import Trial
from hpsearch.report.explain_text import Explanation, explain_sentences
from hpsearch.report.failures import failure_groups, failure_text
from hpsearch.report.html.elements import facts, paragraph, script_json, table, text
from hpsearch.report.palette import CSS_VARIABLES, palette_css
from hpsearch.report.plotdata.figure import Figure
from hpsearch.report.plotdata.kinds import KINDS
from hpsearch.report.plotly.figures import plotly_figure
from hpsearch.report.table import date_text
from hpsearch.report.text import counts_text, duration_text, number, value_text
from hpsearch.report.trial_columns import Column, loss_columns

#: Reasons of failures in the table.
_MAX_REASONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContents:
    """What a report shows."""

    explanation: Explanation
    figures: Sequence[Figure]
    best: Sequence[Trial]  #: the best trials, the best first
    failed: Sequence[Trial]  #: the last failed trials
    labels: Sequence[str]  #: the parameters in reading order
    now: datetime  #: time of the store


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFiles:
    """The files that become part of the page."""

    style: str
    scripts: Sequence[str]  #: in the order in which they run


def report_page(contents: ReportContents, files: ReportFiles) -> str:
    """Return the page, whose content security policy allows nothing but its own scripts.

    Parameters
    ----------
    contents : ReportContents
        What it shows.
    files : ReportFiles
        Style sheets and scripts.
    """
    experiment = contents.explanation.progress.experiment
    drawn = [figure for figure in contents.figures if figure.panels]
    documents = json.dumps(
        [plotly_figure(figure, CSS_VARIABLES) for figure in drawn], allow_nan=False, separators=(",", ":")
    )
    scripts = [script.replace("</script", "<\\/script") for script in files.scripts]
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_source, scripts))}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    body = "\n".join(
        [
            *_head(contents),
            *_pictures(drawn),
            *_missing(contents.figures),
            *_best(contents),
            *_failures(contents),
        ]
    )
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{text(experiment.exp_key)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{palette_css()}\n{files.style}</style></head>\n<body>\n{body}\n"
        f'<script type="application/json" id="figures">{script_json(documents)}</script>\n'
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body></html>\n"
    )


def _source(script: str) -> str:
    """Return the source expression that allows one script."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _head(contents: ReportContents) -> Iterator[str]:
    progress = contents.explanation.progress
    experiment = progress.experiment
    yield f"<h1>{text(experiment.exp_key)}</h1>"
    yield paragraph(f"Report of {date_text(contents.now)}", "faint")
    yield from (paragraph(sentences) for _, sentences in explain_sentences(contents.explanation))
    yield facts(
        [
            ("trials", counts_text(progress)),
            ("state", experiment.state),
            ("objective", experiment.objective.ref or "undecided"),
            ("algorithm", f"{experiment.algorithm.name}, seed {experiment.seed}"),
        ]
    )
    yield "<noscript>" + paragraph("Pictures need JavaScript; the tables have their numbers.") + "</noscript>"


def _pictures(drawn: Sequence[Figure]) -> Iterator[str]:
    for i, figure in enumerate(drawn):
        kind = KINDS[figure.kind]
        numbers = ""
        if figure.table.rows:
            cells = table(figure.table.header, figure.table.rows)
            numbers = f"<details><summary>Numbers</summary>{cells}</details>"
        yield (
            f'<section id="{text(figure.kind)}"><h2>{text(figure.title)}</h2>'
            f"{paragraph(kind.explanation, 'faint')}"
            f'<figure><div data-figure="{i}" role="img" aria-label="{text(figure.caption)}"></div>'
            f"<figcaption>{text(figure.caption)}</figcaption></figure>{numbers}</section>"
        )


def _missing(figures: Sequence[Figure]) -> Iterator[str]:
    missing = [figure for figure in figures if not figure.panels]
    if missing:
        yield "<section><h2>Not shown</h2>"
        yield facts((KINDS[figure.kind].title, figure.caption) for figure in missing)
        yield "</section>"


def _best(contents: ReportContents) -> Iterator[str]:
    if not contents.best:
        return
    experiment = contents.explanation.progress.experiment
    columns = loss_columns(experiment.goal, experiment.outcomes)
    names = [c.title for c in columns] if experiment.outcomes else [experiment.goal.name]
    title = "The front" if experiment.has_several_objectives else "The best trials"
    labels = [label for label in contents.labels if any(label in trial.params for trial in contents.best)]
    yield f"<section><h2>{title}</h2>"
    yield table(
        ("trial", *names, *labels, "origin", "time"),
        (_row(trial, labels, columns) for trial in contents.best),
    )
    yield "</section>"


def _row(trial: Trial, labels: Sequence[str], columns: Sequence[Column]) -> list[object]:
    cells = (column.read(trial) for column in columns)
    losses = [cell if cell is None else number(cell) for cell in cells]
    params = (value_text(trial.params[label]) if label in trial.params else None for label in labels)
    duration = None if trial.duration_s is None else duration_text(trial.duration_s)
    return [trial.tid, *losses, *params, trial.origin, duration]


def _failures(contents: ReportContents) -> Iterator[str]:
    groups = failure_groups(contents.failed)[:_MAX_REASONS]
    if not groups:
        return
    n_failed = contents.explanation.statistics.n_failed
    yield "<section><h2>Failures</h2>"
    if n_failed > len(contents.failed):
        yield paragraph(f"The last {len(contents.failed)} of {n_failed:,} failed trials.", "faint")
    yield table(
        ("trials", "reason and example", "trial", "worker"),
        (
            (g.n, failure_text(g.example), g.example.tid, g.example.worker.name if g.example.worker else None)
            for g in groups
        ),
    )
    yield "</section>"

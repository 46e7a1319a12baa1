"""``hpsearch explain``: a search in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.report.formats import Format

if TYPE_CHECKING:
    from hpsearch.core.experiment import Experiment
    from hpsearch.report.explain_text import Explanation
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@query
def explain(store: TrialStore, form: Format, exp_key: str | None) -> None:
    """Explain a search: its result, whether going on is worth it, what matters, what fails."""
    from hpsearch.cli.find import find_experiment
    from hpsearch.report.explain_text import explain_document, explain_sentences
    from hpsearch.runtime.escaping import escaped
    from hpsearch.runtime.strict_json import json_text

    found = _explanation(store, find_experiment(store, exp_key))
    if form is Format.JSON:
        print_result(json_text(explain_document(found), indent=2))
        return
    sentences = explain_sentences(found)
    if form is Format.TABLE:
        print_result("\n\n".join(escaped(text) for _, text in sentences))
    else:
        rows = [{"topic": topic, "text": text} for topic, text in sentences]
        print_result(table("explain", rows, ("topic", "text"), form))


def _explanation(store: TrialStore, experiment: Experiment) -> Explanation:
    from hpsearch.cli.find import read_progress
    from hpsearch.core.trial import FINISHED
    from hpsearch.report.explain_text import Explanation
    from hpsearch.report.numbers.best_values import option_results
    from hpsearch.report.numbers.ceiling import ceiling
    from hpsearch.report.numbers.importance import failure_importance, importance, loss_surrogate
    from hpsearch.report.numbers.seeds import report_rng
    from hpsearch.report.numbers.statistics import statistics
    from hpsearch.report.summary import read_history
    from hpsearch.space.tree import Space

    key, seed = experiment.exp_key, experiment.seed
    [progress] = read_progress(store, [experiment], with_forecast=True)
    history = read_history(Space.from_json(experiment.space), store.points(key))
    surrogate = loss_surrogate(history)
    return Explanation(
        progress=progress,
        importance=importance(history, report_rng(seed, "importance"), surrogate=surrogate),
        failure_importance=failure_importance(history, report_rng(seed, "importance")),
        options=option_results(history),
        statistics=statistics(store.trials(key, states=FINISHED)),
        ceiling=ceiling(history, surrogate, report_rng(seed, "ceiling")),
    )

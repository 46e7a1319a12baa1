"""``hpsearch explain``: a search in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.query_options import print_result, query, table
from hpsearch.report.formats import Format

if TYPE_CHECKING:
    from hpsearch.store.protocol import TrialStore


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@query
def explain(store: TrialStore, form: Format, exp_key: str | None) -> None:
    """Explain a search: its result, whether going on is worth it, what matters, what fails."""
    from hpsearch.cli.find import find_experiment
    from hpsearch.report.explain_text import explain_document, explain_sentences
    from hpsearch.report.explanation import read_explanation
    from hpsearch.runtime.escaping import escaped
    from hpsearch.runtime.strict_json import json_text

    found = read_explanation(store, find_experiment(store, exp_key))
    if form is Format.JSON:
        print_result(json_text(explain_document(found), indent=2))
        return
    sentences = explain_sentences(found)
    if form is Format.TABLE:
        print_result("\n\n".join(escaped(text) for _, text in sentences))
    else:
        rows = [{"topic": topic, "text": text} for topic, text in sentences]
        print_result(table("explain", rows, ("topic", "text"), form))

"""``hpsearch db check``: whether a database is as searches need it; changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict

import click

from hpsearch.cli.stores import open_store, patient
from hpsearch.command.exits import EXIT_WRONG_SETUP
from hpsearch.command.options import debug_option, json_option, store_option
from hpsearch.diagnosis.database import judge
from hpsearch.diagnosis.finding import Finding, Verdict
from hpsearch.logs import log_to_stderr
from hpsearch.report.findings import findings_text
from hpsearch.report.table import Format, render
from hpsearch.store.mongo.inspection import inspect


@click.command()
@store_option(required=False)
@json_option()
@debug_option()
def check(store: str | None, json: bool) -> None:
    """Look a database over: its servers, its safety, its indexes, its documents.

    Ends with exit code 78 when something is to be mended.
    """
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        findings = judge(inspect(opened.uri, patient))
    tell("check", findings, as_json=json)


def tell(kind: str, findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings, and leave with the exit code that they stand for.

    Parameters
    ----------
    kind : str
        What the JSON calls them, with the version of its shape.
    findings : sequence of Finding
        At least one.
    as_json : bool
        Print JSON instead of lines.
    """
    rows = [asdict(finding) for finding in findings]
    click.echo(render(kind, rows, (), Format.JSON) if as_json else findings_text(findings))
    if any(finding.verdict is Verdict.PROBLEM for finding in findings):
        raise click.exceptions.Exit(EXIT_WRONG_SETUP)

"""How a command that looks something over tells what it found, and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from hpsearch.diagnosis.finding import Finding, Verdict
from hpsearch.errors import ConfigurationError
from hpsearch.report.findings import findings_text
from hpsearch.report.table import Format, render


def print_findings(kind: str, findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings, and leave with the exit code that they stand for.

    Parameters
    ----------
    kind : str
        What the JSON calls them, with the version of its shape.
    findings : sequence of Finding
        At least one.
    as_json : bool
        Print JSON instead of lines.

    Raises
    ------
    click.exceptions.Exit
        With code 78, if one of them is a problem.
    """
    rows = [asdict(finding) for finding in findings]
    click.echo(render(kind, rows, (), Format.JSON) if as_json else findings_text(findings))
    if any(finding.verdict is Verdict.PROBLEM for finding in findings):
        raise click.exceptions.Exit(ConfigurationError.exit_code)

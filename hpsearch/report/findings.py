"""Findings as lines for people; pure."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.diagnosis.finding import Finding, Verdict
from hpsearch.runtime.escaping import escaped


def findings_text(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, what to do below those that are not ok, and a sum at the end."""
    widths = [max(len(getattr(f, field)) for f in findings) for field in ("verdict", "name")]
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<{widths[0]}}  {finding.name:<{widths[1]}}  {finding.text}")
        if finding.advice:
            lines.append(f"{'':<{sum(widths) + 2}}  -> {finding.advice}")
    return "\n".join([*map(escaped, lines), "", _sum(findings)])


def _sum(findings: Sequence[Finding]) -> str:
    counts = [
        f"{n} {verdict}{'s' * (n != 1)}"
        for verdict in (Verdict.PROBLEM, Verdict.WARNING)
        if (n := sum(f.verdict is verdict for f in findings))
    ]
    return f"{', '.join(counts)}." if counts else "Nothing to mend."

"""Findings of ``hpsearch doctor`` and ``hpsearch db check``, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from hpsearch.runtime.escaping import escaped


class Verdict(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"  #: works, with a limit or a risk
    PROBLEM = "problem"  #: does not work, or is not safe


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    verdict: Verdict
    name: str  #: what was checked, in a word or two
    text: str  #: what was found
    advice: str = ""  #: what to do; set unless the verdict is ok


ok, warning, problem = (partial(Finding, verdict) for verdict in Verdict)


def findings_text(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, with the advice below it, and the number of problems and warnings."""
    widths = [max(len(getattr(f, field)) for f in findings) for field in ("verdict", "name")]
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<{widths[0]}}  {finding.name:<{widths[1]}}  {finding.text}")
        if finding.advice:
            lines.append(f"{'':<{sum(widths) + 2}}  -> {finding.advice}")
    counts = [
        f"{n} {verdict}{'s' * (n != 1)}"
        for verdict in (Verdict.PROBLEM, Verdict.WARNING)
        if (n := sum(f.verdict is verdict for f in findings))
    ]
    return "\n".join([*map(escaped, lines), "", f"{', '.join(counts)}." if counts else "Nothing to fix."])

"""Known vulnerabilities of the packages in this environment, by pip-audit.

``python scripts/audit.py`` ends with 0 when every package was looked up and none is known to be
vulnerable, with 1 when one is, and with 75 when there was no answer: then nothing is proven.
pip-audit alone would call packages that it could not look up, so all of them, clean.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

#: What no service can know: the package itself, and builds that no index has.
OUR_OWN = {"hpsearch"}

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 75

_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit came to."""

    exit_code: int
    text: str  #: for people, one or more lines


def main() -> int:
    """Audit this environment; return the exit code."""
    pins = [f"{d.name}=={d.version.partition('+')[0]}" for d in distributions() if d.name not in OUR_OWN]
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--timeout", str(_TIMEOUT_S), "--disable-pip", "--no-deps", "--requirement", "/dev/stdin"]
    done = subprocess.run(command, input="\n".join(sorted(pins)), capture_output=True, text=True, check=False)
    found = verdict(done.stdout, done.stderr)
    print(found.text, file=sys.stderr if found.exit_code else sys.stdout)
    return found.exit_code


def verdict(report: str, complaint: str) -> Verdict:
    """Judge a report of pip-audit.

    Parameters
    ----------
    report : str
        Its JSON; anything else when it ended early.
    complaint : str
        What it wrote to stderr, of which the last line tells why it ended early.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        why = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        return Verdict(UNKNOWN, f"audit skipped: no vulnerability service could be asked ({why[:200]}).")
    unanswered = [package["name"] for package in packages if "skip_reason" in package]
    lines = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, "
        f"mended in {', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    if lines:
        return Verdict(VULNERABLE, "\n".join(["Packages with known vulnerabilities:", *lines]))
    if len(unanswered) == len(packages):
        text = f"audit skipped: the vulnerability service knows none of {len(packages)} packages."
        return Verdict(UNKNOWN, text)
    if unanswered:
        return Verdict(UNKNOWN, f"audit incomplete: no answer about {', '.join(unanswered)}.")
    return Verdict(CLEAN, f"audit: none of {len(packages)} packages is known to be vulnerable.")


if __name__ == "__main__":
    sys.exit(main())

"""Hyperopt's own test suite, file by file, under Hyperopt and under our package."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from compat.environments import clean_environment, python_of
from compat.suite_plugin_name import FOLDER, PLUGIN
from compat.suite_reasons import REASONS, reason_of

from hpsearch.mongod.binary import find_mongod

REQUIREMENTS = ("hyperopt==0.3.0", "scikit-learn", "lightgbm", "matplotlib", "pytest", "pytest-timeout")

#: Seconds for one test, and for one file. Threads that wait for what a test refused outlive their tests.
_TEST_LIMIT_S, _LIMIT_S = 60, 400


#: The tests start the server that is on PATH, with an option that only old ones know.
_MONGOD = """#!/bin/sh
for option; do
    shift
    [ "$option" = --noprealloc ] || set -- "$@" "$option"
done
exec {path} "$@"
"""


@dataclass(kw_only=True)
class Outcome:
    """What one file of tests gave under one of the packages."""

    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  #: the first line of each error
    skipped: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One file under both packages."""

    name: str
    theirs: Outcome
    ours: Outcome


def run(names: Sequence[str]) -> Iterator[Row]:
    """Run the named files, or all of them, under both packages."""
    python = python_of("suite", REQUIREMENTS)
    tests = next(python.parents[1].glob("lib/python3*/site-packages/hyperopt/tests"))
    for path in sorted(tests.rglob("test_*.py")):
        name = str(path.relative_to(tests))
        if not names or any(wanted in name for wanted in names):
            yield Row(
                name=name,
                theirs=_outcome(python, tests, path, ()),
                ours=_outcome(python, tests, path, ("-p", PLUGIN)),
            )


def unexplained(rows: Sequence[Row]) -> list[str]:
    """Return what should not be: failures of ours without a reason, and reasons without a failure."""
    failed = {f"{row.name}::{test}": error for row in rows for test, error in row.ours.failed.items()}
    ran = {row.name for row in rows}
    stale = [
        named
        for named in REASONS
        if named.partition("::")[0] in ran
        and not any(f"{test}::".startswith(f"{named}::") for test in failed)
    ]
    return [
        *(f"{test} fails without a reason: {why}" for test, why in failed.items() if reason_of(test) is None),
        *(f"{named} passes, so its reason is outdated" for named in stale),
    ]


def table(rows: Sequence[Row]) -> str:
    """Return the outcomes as a table in Markdown, with the reasons below it."""
    lines = ["| file | Hyperopt: passed, failed | here: passed, failed | why |", "|---|---|---|---|"]
    for row in rows:
        reasons = sorted({reason_of(f"{row.name}::{test}") or "?" for test in row.ours.failed})
        counts = [f"{len(outcome.passed)}, {len(outcome.failed)}" for outcome in (row.theirs, row.ours)]
        lines.append(f"| `{row.name}` | {counts[0]} | {counts[1]} | {'; '.join(reasons)} |")
    return "\n".join(lines)


def _outcome(python: Path, tests: Path, path: Path, options: Sequence[str]) -> Outcome:
    """Run one file in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="compat-suite-") as folder:
        report = Path(folder) / "report.xml"
        command: list[str | Path] = [
            python,
            "-m",
            "pytest",
            *options,
            "-q",
            "-c",
            os.devnull,
            "--rootdir",
            folder,
            f"--timeout={_TEST_LIMIT_S}",
        ]
        with suppress(subprocess.TimeoutExpired):  # the report was written, unless a test itself hung
            subprocess.run(
                [*command, f"--junitxml={report}", path],
                cwd=folder,
                env=_environment(tests, Path(folder)),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT_S,
                check=False,
            )
        return _read(report, path.stem)


def _environment(tests: Path, folder: Path) -> Mapping[str, str]:
    here = str(Path(__file__).parent)
    commands = folder / "commands"
    commands.mkdir()
    mongod = commands / "mongod"
    mongod.write_text(_MONGOD.format(path=shlex.quote(str(find_mongod()))))
    mongod.chmod(0o700)
    return clean_environment(
        PATH=f"{commands}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=here,
        MPLBACKEND="agg",
        HPSEARCH_HOME=str(folder / "home"),
        **{FOLDER: str(tests)},
    )


def _read(report: Path, module: str) -> Outcome:
    """Read the report that pytest wrote for machines."""
    outcome = Outcome()
    if not report.exists():
        outcome.failed["(all)"] = "pytest ended without a report"
        return outcome
    for case in ET.parse(report).iter("testcase"):
        class_name = case.get("classname", "").rpartition(".")[2]
        name = str(case.get("name")) if class_name == module else f"{class_name}::{case.get('name')}"
        problem = next(
            (case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None
        )
        if problem is not None:
            outcome.failed[name or "(collection)"] = str(problem.get("message")).split("\n")[0]
            if problem.get("message", "").startswith("collection failure"):
                outcome.failed[name] = (problem.text or "").strip().splitlines()[-1]
        elif case.find("skipped") is not None:
            outcome.skipped.add(name)
        else:
            outcome.passed.add(name)
    return outcome

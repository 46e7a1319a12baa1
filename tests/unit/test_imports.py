"""What a part of the package may load, where the import contracts of ``pyproject.toml`` cannot say it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "hpsearch"
TESTS = REPOSITORY / "tests"

#: Modules and packages that are functions of values: whatever they need is an argument.
PURE = (
    "coordination/fleet_view.py", "coordination/forecast.py",
    "coordination/plan.py", "coordination/progress.py",
    "coordination/throughput.py", "coordination/trial_state.py", "core", "diagnosis/database_findings.py",
    "diagnosis/finding.py", "diagnosis/machine_findings.py", "errors.py", "hp.py",
    "hyperopt/engine/fmin_loop.py", "objective/by_value/captured.py",
    "objective/by_value/fingerprint.py", "objective/sanitize.py",
    "report/space_histograms.py", "report/failures.py", "report/final_report.py", "report/rows.py",
    "report/trial_columns.py", "report/trial_page.py", "report/search_page.py",
    "report/numbers", "report/palette.py", "report/plotdata", "report/plotly",
    "report/html/elements.py", "report/html/page.py",
    "report/importance_text.py", "report/worth_text.py", "report/explain_text.py",
    "report/space_text.py", "report/summary.py", "report/table.py", "report/text.py", "runtime/escaping.py",
    "runtime/events.py", "runtime/health/probes.py", "runtime/health/stats.py",
    "runtime/strict_json.py", "space", "store/documents",
    "store/memory/trials.py", "store/mongo/backup_records.py",
    "store/mongo/database_state.py", "store/mongo/experiment_queries.py", "store/mongo/gridfs.py",
    "store/mongo/hyperopt_uri.py", "store/mongo/queries.py", "store/mongo/roles.py",
    "store/mongo/schema.py", "store/mongo/uri.py", "store/protocol.py", "store/checks.py",
    "suggest",
)  # fmt: skip

#: Clocks, surroundings, threads, logs, randomness without a generator, and the driver.
IMPURE = {
    "time",
    "logging",
    "os",
    "threading",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "pymongo",
    "bson",
    "gridfs",
}


def pure_files() -> list[Path]:
    paths = [PACKAGE / name for name in PURE]
    return [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_pure_module_imports_no_clock_no_surroundings_and_no_driver(path: Path) -> None:
    assert imported(path) & IMPURE == set()


def imported(path: Path) -> set[str]:
    """Return the top-level names of what a file imports, also inside functions."""
    return {name.split(".")[0] for name in imported_modules(path)}


def loaded_by(code: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has loaded after some code."""
    report = "import json, sys; print('\\n' + json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, timeout=200, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


HELP = """
import sys
sys.argv = ["hpsearch", "--help"]
from hpsearch.cli import main
try:
    main()
except SystemExit:
    pass
"""


def test_the_help_loads_click_and_nothing_heavy() -> None:
    loaded = loaded_by(HELP)
    assert "click" in loaded
    assert loaded & {"numpy", "scipy", "pymongo", "bson", "rich", "asyncio"} == set()
    assert {name for name in loaded if name.startswith("hpsearch.")} <= {
        "hpsearch.cli", "hpsearch.cli.options", "hpsearch.cli.process", "hpsearch.cli.store_choice",
        "hpsearch.cli.environment_variables", "hpsearch.cli.similar_names",
        "hpsearch.report", "hpsearch.report.formats",
        "hpsearch.errors", "hpsearch.runtime", "hpsearch.runtime.escaping", "hpsearch.runtime.events",
        "hpsearch.runtime.logs", "hpsearch.runtime.private_files",
        "hpsearch.runtime.strict_json", "hpsearch.runtime.user_paths",
    }  # fmt: skip


EVERY_HELP = """
import click
from hpsearch.cli import cli

def show(command, context):
    command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            show(command.get_command(context, name), context)

show(cli, click.Context(cli))
"""


def test_the_help_of_every_command_loads_nothing_that_is_slow_to_import() -> None:
    """All of them in one process; each alone then takes a tenth of a second."""
    loaded = loaded_by(EVERY_HELP)
    assert "hpsearch.cli.import_hyperopt" in loaded
    assert loaded & {"numpy", "scipy", "pymongo", "bson", "rich", "matplotlib", "starlette"} == set()


def test_a_worker_loads_no_suggester_no_scipy_and_nothing_to_draw_with() -> None:
    loaded = loaded_by("import hpsearch_worker.run_worker, hpsearch_worker.child")
    assert "pymongo" in loaded
    assert {name for name in loaded if name.startswith("hpsearch.suggest")} == set()
    assert loaded & {"scipy", "rich", "hpsearch.cli", "hpsearch.coordination", "hpsearch.mongod"} == set()


def test_a_space_is_printed_without_what_only_its_picture_needs() -> None:
    assert loaded_by("import hpsearch.cli.space") & {"matplotlib", "scipy.stats"} == set()


def test_a_search_starts_without_what_only_the_gp_needs() -> None:
    """It would take a third of the CPU time of the start, and no startup trial needs it."""
    loaded = loaded_by("import hpsearch.cli.run, hpsearch.hyperopt")
    assert loaded & {"hpsearch.suggest.gp.suggest", "scipy.optimize", "scipy.stats"} == set()


def test_the_evaluating_process_loads_no_driver() -> None:
    assert "pymongo" not in loaded_by("import hpsearch_worker.child")


@pytest.mark.parametrize("path", [*TESTS.rglob("*.py")], ids=lambda path: str(path.relative_to(TESTS)))
def test_tests_share_helpers_only_through_support_packages(path: Path) -> None:
    """A test imports no other test, no ``conftest``, no other tier, and nothing from ``scripts/``."""
    imported = {name for name in imported_modules(path) if name.split(".")[0] in {"tests", "scripts"}}
    shared = ("tests.support", "tests.faults")
    assert {name for name in imported if not name.startswith(shared)} == set()


def imported_modules(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", [*TESTS.rglob("*.py")], ids=lambda path: str(path.relative_to(TESTS)))
def test_tests_import_no_private_names(path: Path) -> None:
    """Ruff's SLF001 finds private attributes, but not imports of private names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hpsearch"):
            assert [alias.name for alias in node.names if alias.name.startswith("_")] == []

"""What a part of the package may load, where the import contracts of ``pyproject.toml`` cannot say it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

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


def test_a_pure_module_imports_no_clock_no_surroundings_and_no_driver() -> None:
    impure = {path: top_level(imported_modules(path)) & IMPURE for path in pure_files()}
    assert {str(path): names for path, names in impure.items() if names} == {}


def top_level(modules: set[str]) -> set[str]:
    """Return the names before the first dot."""
    return {name.split(".")[0] for name in modules}


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
        "hpsearch.runtime.store_uri", "hpsearch.runtime.strict_json", "hpsearch.runtime.user_paths",
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


def test_the_help_of_every_command_loads_only_what_describes_options() -> None:
    """All of them in one process; each alone then takes a tenth of a second.

    What a command does is imported when it runs.
    """
    loaded = loaded_by(EVERY_HELP)
    assert "hpsearch.cli.import_hyperopt" in loaded
    assert loaded & {"numpy", "pymongo", "rich", "subprocess", "tempfile", "gzip", "socket", "email"} == set()
    own = {name for name in loaded if name.startswith(("hpsearch.", "hpsearch_worker."))}
    assert {name for name in own if not name.startswith(("hpsearch.cli", "hpsearch.runtime."))} <= {
        "hpsearch.errors", "hpsearch.runtime", "hpsearch.report", "hpsearch.report.formats",
        "hpsearch.report.kind_names", "hpsearch.store", "hpsearch.store.mongo",
        "hpsearch.store.mongo.patience", "hpsearch.suggest", "hpsearch.suggest.names", "hpsearch.core",
        "hpsearch.core.choices", "hpsearch.core.goal", "hpsearch.core.outcomes",
    }  # fmt: skip


def test_a_worker_loads_no_suggester_no_scipy_and_nothing_to_draw_with() -> None:
    loaded = loaded_by("import hpsearch_worker.run_worker, hpsearch_worker.child")
    assert "pymongo" in loaded
    assert {name for name in loaded if name.startswith("hpsearch.suggest")} == set()
    assert loaded & {"scipy", "rich", "hpsearch.cli", "hpsearch.coordination", "hpsearch.mongod"} == set()


def test_a_space_is_printed_without_what_only_its_picture_needs() -> None:
    assert loaded_by("import hpsearch.cli.space") & {"matplotlib", "scipy.stats"} == set()


def test_a_search_starts_without_scipy() -> None:
    """It would take a quarter of the CPU time of the start, and no startup trial needs it."""
    search = "hpsearch.fmin(abs, hpsearch.hp.uniform('x', -1, 1), max_evals=5, show_progressbar=False)"
    loaded = loaded_by(f"import hpsearch.cli.run, hpsearch.hyperopt; {search}")
    assert loaded & {"hpsearch.suggest.gp.suggest", "scipy"} == set()


def test_the_evaluating_process_loads_no_driver() -> None:
    assert "pymongo" not in loaded_by("import hpsearch_worker.child")


def test_tests_share_helpers_only_through_support_packages() -> None:
    """A test imports no other test, no ``conftest``, no other tier, and nothing from ``scripts/``."""
    shared = ("tests.support", "tests.faults")
    others = {
        path: {
            name
            for name in imported_modules(path)
            if top_level({name}) & {"tests", "scripts"} and not name.startswith(shared)
        }
        for path in TESTS.rglob("*.py")
    }
    assert {str(path): names for path, names in others.items() if names} == {}


def imported_modules(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports from."""
    found: set[str] = set()
    for node in imports(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.level == 0 and node.module:
            found.add(node.module)
    return found


@cache
def imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Return the import statements of a file, also inside functions."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def test_tests_import_no_private_names() -> None:
    """Ruff's SLF001 finds private attributes, but not imports of private names."""
    private = [
        f"{path}: {alias.name}"
        for path in TESTS.rglob("*.py")
        for node in imports(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hpsearch")
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert private == []

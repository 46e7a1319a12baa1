"""What uses Hyperopt, run unchanged over our package, and compared with Hyperopt itself.

    .venv/bin/python scripts/compat suite [FILE...]
    .venv/bin/python scripts/compat libraries [NAME...]
    .venv/bin/python scripts/compat callbacks [NAME...]
    .venv/bin/python scripts/compat optuna [NAME...]
    .venv/bin/python scripts/compat mirrors [NAME...]
    .venv/bin/python scripts/compat torchrun

``suite`` runs the tests in Hyperopt's own wheel. ``libraries`` runs a small search of each of several
libraries that drive Hyperopt, each in an environment of its own. Both print a table; the exit code is 1
when something differs that the table does not explain. ``callbacks`` trains with each library that
``hpsearch.callbacks`` serves. ``optuna`` compares what we read of a study with what Optuna reads.
``mirrors`` copies a search to MLflow and TensorBoard, and reads it there. ``torchrun`` searches with trials
of two processes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# A folder is run by its name, while its modules are those of a package.
sys.path.insert(0, str(Path(__file__).parents[1]))

from compat import callback_checks, libraries, mirror_checks, optuna_checks, suite, torchrun_check


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="scripts/compat", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("what", choices=["suite", "libraries", "callbacks", "optuna", "mirrors", "torchrun"])
    parser.add_argument("names", nargs="*", help="parts of the names of files or libraries; all unless given")
    options = parser.parse_args()
    runs = {
        "suite": _suite,
        "libraries": _libraries,
        "callbacks": callback_checks.run,
        "optuna": optuna_checks.run,
        "mirrors": mirror_checks.run,
        "torchrun": torchrun_check.run,
    }
    sys.exit(runs[options.what](options.names))


def _suite(names: list[str]) -> int:
    rows = []
    for row in suite.run(names):
        rows.append(row)
        print(
            f"{row.name}: Hyperopt {len(row.theirs.passed)} passed, {len(row.theirs.failed)} failed; "
            f"here {len(row.ours.passed)} passed, {len(row.ours.failed)} failed",
            file=sys.stderr,
            flush=True,
        )
        for test, error in row.ours.failed.items():
            print(f"    here: {test}: {error}", file=sys.stderr)
        for test, error in row.theirs.failed.items():
            print(f"    Hyperopt: {test}: {error}", file=sys.stderr)
    print(suite.table(rows))
    problems = suite.unexplained(rows)
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


def _libraries(names: list[str]) -> int:
    rows = []
    for row in libraries.run(names):
        rows.append(row)
        for outcome in (row.theirs, row.ours):
            print(f"{row.library.name}: {outcome}", file=sys.stderr, flush=True)
    print(libraries.table(rows))
    problems = [problem for row in rows if (problem := row.problem()) is not None]
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    main()

"""Try hostile input for some minutes: the tests that are marked ``fuzz``, with more examples.

    .venv/bin/python scripts/fuzz.py [--minutes 10] [--seed 1] [TESTS...]

Each round has another seed, which is printed, and which repeats it. Ends with 1 at the first
round that finds something; pytest tells what, and hypothesis the smallest example of it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run rounds until the time is over; return 1 if one found something."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tests", nargs="*", default=["tests"], help="folders or files [default: all]")
    parser.add_argument("--minutes", type=float, default=10.0, help="no round begins after that")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    given = parser.parse_args()
    deadline, seed = time.monotonic() + 60 * given.minutes, given.seed
    while time.monotonic() < deadline:
        print(f"seed {seed}", flush=True)
        if _round(seed, given.tests) != 0:
            return 1
        seed += 1
    return 0


def _round(seed: int, tests: list[str]) -> int:
    options = [
        "-m",
        "fuzz",
        "--hypothesis-profile=fuzz",
        f"--hypothesis-seed={seed}",
        "--timeout=0",
        "-q",
        "-n",
        "2",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests], cwd=REPOSITORY, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())

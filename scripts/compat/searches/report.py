"""What a search says in the end, for the table."""

from __future__ import annotations

import json
import sys


def report(evaluations: int, best: float) -> None:
    """Print the number of evaluations, the lowest loss, and which package was imported as ``hyperopt``."""
    package = sys.modules["hyperopt"].__name__
    print(json.dumps({"package": package, "evaluations": evaluations, "best": float(best)}))

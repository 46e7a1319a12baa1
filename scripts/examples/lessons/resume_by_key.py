"""Lesson 7: continue a search by its experiment key.

A search under ``hpsearch run`` is stored in MongoDB, under its key. The same command continues it, also after
a crash, or on another machine; with a larger ``--max-evals`` it evaluates more trials::

    hpsearch run scripts/examples/lessons/resume_by_key.py --exp-key lesson --max-evals 10 --seed 0
    hpsearch run scripts/examples/lessons/resume_by_key.py --exp-key lesson --max-evals 20
    hpsearch trials lesson --sort loss -n 5

The first ten trials do not change, and the search keeps its first seed. Without ``--store`` the trials are in
the private MongoDB of this machine, and stay there. Another key starts another search; another space or
objective under the same key is refused.
"""

from typing import Any

from hpsearch import hp

space = {"x": hp.uniform("x", -5, 5), "shape": hp.choice("shape", ["bowl", "valley"])}


def objective(config: dict[str, Any]) -> float:
    """Return the height above the lowest point, which is at x = 2 in the valley."""
    height: float = (config["x"] - 2) ** 2
    return height if config["shape"] == "valley" else height + 1

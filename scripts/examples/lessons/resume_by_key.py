"""Lesson 7: go on with a search by its experiment key.

A search under ``hpsearch run`` lives in MongoDB, under its key. The same command again goes on where
it was, also after a crash, or on another machine; with a larger ``--max-evals`` it goes further::

    hpsearch run scripts/examples/lessons/resume_by_key.py --exp-key lesson --max-evals 10 --seed 0
    hpsearch run scripts/examples/lessons/resume_by_key.py --exp-key lesson --max-evals 20
    hpsearch trials lesson --sort loss -n 5

The first ten trials stay as they are, and the seed is the one that the search was begun with. Without
``--store`` the trials are in the private MongoDB of this machine, where they stay: another key begins
another search, and another space or objective under the same key is refused.
"""

from typing import Any

from hpsearch import hp

space = {"x": hp.uniform("x", -5, 5), "shape": hp.choice("shape", ["bowl", "valley"])}


def objective(config: dict[str, Any]) -> float:
    """Return the height above the lowest point, which is at x = 2 in the valley."""
    height = (config["x"] - 2) ** 2
    return height if config["shape"] == "valley" else height + 1

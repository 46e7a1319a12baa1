"""The names of the algorithms, of the option that all of them have, and of the pruners; needs no NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: The names that ``algorithms.make_suggester`` accepts.
ALGORITHMS = ("auto", "tpe", "random", "anneal", "mix")

#: The option of every algorithm that holds the user's beliefs.
BELIEVE = "believe"

#: Names of the rules, with a description for help texts.
PRUNERS: Mapping[str, str] = MappingProxyType(
    {
        "none": "stop no trial",
        "auto": "stop trials that are unlikely to become the best, by a model of learning curves",
        "median": "stop trials worse than the median of the others",
        "asha": "stop trials that are not among the best third at steps 1, 3, 9, 27, ...",
        "hyperband": "asha in brackets, some of which begin later",
        "threshold": "stop trials whose values leave a range",
        "paired": "stop trials that are worse than the best one at the same steps, such as folds",
    }
)

"""The names of the algorithms, and of the option that all of them have; needs no import."""

from __future__ import annotations

#: The names that ``algorithms.make_suggester`` accepts.
ALGORITHMS = ("auto", "tpe", "random", "anneal", "mix")

#: The option of every algorithm that holds the user's beliefs.
BELIEVE = "believe"

"""The kinds of pictures, in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hpsearch.report.plotdata.branches import branches
from hpsearch.report.plotdata.contour import contour
from hpsearch.report.plotdata.curves import curves
from hpsearch.report.plotdata.distribution import distribution
from hpsearch.report.plotdata.effect import effect
from hpsearch.report.plotdata.figure import Figure
from hpsearch.report.plotdata.history import history
from hpsearch.report.plotdata.importance import importance
from hpsearch.report.plotdata.parallel import parallel
from hpsearch.report.plotdata.sampling import sampling
from hpsearch.report.plotdata.search import SearchData
from hpsearch.report.plotdata.slices import slices
from hpsearch.report.plotdata.timeline import timeline


class Need(StrEnum):
    """What a kind needs beside the points of the trials."""

    IMPORTANCE = "importance"
    EFFECTS = "effects"
    SURFACE = "surface"
    RECENT = "recent"  #: the last trials in full
    REPORTING = "reporting"  #: trials with reports in full


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of picture."""

    name: str
    title: str
    explanation: str  #: what a reader learns from it; one sentence
    build: Callable[[tuple[SearchData, ...]], Figure]
    needs: frozenset[Need] = frozenset()
    takes_parameters: bool = False  #: whether ``SearchData.labels`` matters
    is_of_pair: bool = False  #: whether it shows two parameters, not any number of them
    max_searches: int = 1


_ALL = (
    Kind(
        name="history",
        title="History",
        explanation="How the losses and the best one developed, and which trials failed.",
        build=history,
    ),
    Kind(
        name="importance",
        title="Importance",
        explanation="How much of the differences in the loss each parameter accounts for.",
        build=importance,
        needs=frozenset({Need.IMPORTANCE}),
    ),
    Kind(
        name="effect",
        title="Where is it good",
        explanation="The mean loss over the whole space at each value of a parameter, by a model.",
        build=effect,
        needs=frozenset({Need.IMPORTANCE, Need.EFFECTS}),
        takes_parameters=True,
    ),
    Kind(
        name="slice",
        title="Slices",
        explanation="The losses of the trials over the values of each parameter.",
        build=slices,
        takes_parameters=True,
    ),
    Kind(
        name="branches",
        title="Tree of choices",
        explanation="How many trials each branch of the space got, and how good they are.",
        build=branches,
    ),
    Kind(
        name="parallel",
        title="Parallel coordinates",
        explanation="The best trials as lines through the values of all parameters.",
        build=parallel,
        takes_parameters=True,
    ),
    Kind(
        name="contour",
        title="Contour",
        explanation="The mean loss over the values of two parameters, by a model, with the trials.",
        build=contour,
        needs=frozenset({Need.IMPORTANCE, Need.SURFACE}),
        takes_parameters=True,
        is_of_pair=True,
    ),
    Kind(
        name="sampling",
        title="Declared and tried",
        explanation="What the space declares for each parameter, against what the search tries now.",
        build=sampling,
        takes_parameters=True,
    ),
    Kind(
        name="distribution",
        title="Distribution of losses",
        explanation="The share of trials that reach each loss; several searches can be compared.",
        build=distribution,
        max_searches=8,
    ),
    Kind(
        name="curves",
        title="Learning curves",
        explanation="The intermediate values that trials reported, and where trials were cut.",
        build=curves,
        needs=frozenset({Need.REPORTING}),
    ),
    Kind(
        name="timeline",
        title="Timeline",
        explanation="What each worker evaluated when, and where it failed or waited.",
        build=timeline,
        needs=frozenset({Need.RECENT}),
    ),
)

#: All kinds by name.
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})

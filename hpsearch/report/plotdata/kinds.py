"""The kinds of pictures, in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hpsearch.core.experiment import Experiment
from hpsearch.report.plotdata.branches import branches
from hpsearch.report.plotdata.contour import contour
from hpsearch.report.plotdata.curves import curves
from hpsearch.report.plotdata.distribution import distribution
from hpsearch.report.plotdata.effect import effect
from hpsearch.report.plotdata.figure import Figure
from hpsearch.report.plotdata.front import front
from hpsearch.report.plotdata.front_growth import front_growth
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


class Shown(StrEnum):
    """Of which searches a kind shows something."""

    ONE = "one"  #: with one objective
    SEVERAL = "several"  #: with several
    BOTH = "both"


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
    shows: Shown = Shown.ONE


def kinds_for(experiment: Experiment) -> list[Kind]:
    """Return the kinds that show something of a search: of one loss, of several, or of both."""
    fits = Shown.SEVERAL if experiment.has_several_objectives else Shown.ONE
    return [kind for kind in _ALL if kind.shows in {fits, Shown.BOTH}]


_ALL = (
    Kind(
        name="front",
        title="Front",
        explanation="Of several objectives, the trials that no other trial beats in all of them.",
        build=front,
        shows=Shown.SEVERAL,
    ),
    Kind(
        name="growth",
        title="Growth of the front",
        explanation="When the front of several objectives grew, as the volume that it dominates.",
        build=front_growth,
        shows=Shown.SEVERAL,
    ),
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
        shows=Shown.BOTH,
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
        shows=Shown.BOTH,
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
        shows=Shown.BOTH,
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
        shows=Shown.BOTH,
    ),
)

#: All kinds by name.
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})

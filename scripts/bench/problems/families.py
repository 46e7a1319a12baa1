"""All families of problems by name, and the problem of a name such as ``bbob:1:10:1``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

from problems import (
    basic,
    categorical,
    classic,
    coco,
    live,
    many_parameters,
    nested,
    perceptron,
    scales,
    surrogates,
    tables,
    training,
)
from problems.problem import Problem
from problems.wrapped import noisy, wrapped

#: The arguments of a family are integers and names, in the order of its function's parameters.
FAMILIES: Mapping[str, Callable[..., Problem]] = {
    "valley": basic.valley,
    "ripples": basic.ripples,
    "bowl": basic.bowl,
    "few": basic.few,
    "noisy": basic.noisy_bowl,
    "options": basic.options,
    "rounded": basic.rounded,
    "tails": basic.tails,
    "training": basic.training,
    "memory": basic.memory,
    "pipeline": basic.pipeline,
    "bbob": coco.bbob,
    "mixbbob": coco.mixbbob,
    "classic": classic.classic,
    "lowdim": many_parameters.lowdim,
    "sparse": many_parameters.sparse,
    "decay": many_parameters.decay,
    "lrplateau": training.lrplateau,
    "cliff": training.cliff,
    "tree": nested.tree,
    "cashx": nested.cashx,
    "catnk": categorical.catnk,
    "bigcat": categorical.bigcat,
    "priors": scales.priors,
    "steps": scales.steps,
    "hpob_mlp": tables.hpob_mlp,
    "fcnet": tables.fcnet,
    "nb201": tables.nb201,
    "yahpo": surrogates.yahpo,
    "svm": live.svm,
    "gb": live.gb,
    "rf": live.rf,
    "cash": live.cash,
    "npmlp": perceptron.npmlp,
}


def make(name: str) -> Problem:
    """Return the problem of a name: a family, and its arguments after colons.

    ``NAME~SIGMA`` adds normal noise, and ``wrap:MODE:LEVEL:NAME`` a difficulty of ``wrapped.wrapped``.

    Raises
    ------
    ValueError
        If no family has the name, or its arguments do not fit.
    """
    if name.startswith("wrap:"):
        _, mode, level, inner = name.split(":", 3)
        return wrapped(mode, float(level), make(inner))
    base, _, sigma = name.partition("~")
    problem = _plain(base)
    return noisy(problem, float(sigma)) if sigma else problem


def _plain(name: str) -> Problem:
    family, *texts = name.split(":")
    if family not in FAMILIES:
        raise ValueError(f"{name!r}: no such family of problems; there are {', '.join(FAMILIES)} and wrap.")
    arguments = [int(text) if text.isdigit() else text for text in texts]
    try:
        inspect.signature(FAMILIES[family]).bind(*arguments)
    except TypeError:
        names = ":".join(parameter.upper() for parameter in inspect.signature(FAMILIES[family]).parameters)
        raise ValueError(f"{name!r}: a problem of this family is named {family}:{names}.") from None
    return FAMILIES[family](*arguments)

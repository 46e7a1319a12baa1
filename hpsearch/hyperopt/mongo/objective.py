"""How the objective of a script comes to the workers: by its name, or by value."""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hpsearch.core.experiment import BY_VALUE, ObjectiveRef
from hpsearch.errors import ConfigurationError, SpaceError
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.mongo.worker_ctrl import ExpressionObjective
from hpsearch.objective.by_value import Destination, fingerprint, pack, parts, read_secret
from hpsearch.objective.source_fingerprint import fingerprinted
from hpsearch.space.literal import encode_literal


@dataclass(frozen=True, slots=True)
class PreparedObjective:
    """An objective, as an experiment names it."""

    ref: ObjectiveRef
    #: Returns the attachment ``payload.ATTACHMENT`` for a destination, where it travels by value.
    sign: Callable[[Destination], bytes] | None = None


def prepare_objective(domain: Domain) -> PreparedObjective:
    """Return the objective of a search in the form in which workers get it.

    A function that workers can import travels by its name; one of the script itself, a
    lambda, a partial or any other callable by value, signed.

    Raises
    ------
    ConfigurationError
        If it must travel by value, and there is no secret to sign it with, or no cloudpickle.
    """
    fn: Any = domain.fn
    reference = None if domain.needs_ctrl else _importable(fn)
    if reference is not None:
        return PreparedObjective(fingerprinted(ObjectiveRef(kind="import", ref=reference)))
    name, secret = _name(fn), read_secret(os.environ)
    if secret is None:
        raise ConfigurationError(
            f"{name} is not a function that workers can import, so it is sent to them signed: run "
            "`export HPSEARCH_SECRET=$(openssl rand -hex 32)` here, and give the workers the same secret; "
            "or put it into a module that they have, too."
        )
    objective = ExpressionObjective(domain) if domain.needs_ctrl else fn
    ref = ObjectiveRef(
        kind=BY_VALUE, ref=name, digest=fingerprint(fn), nonce=secrets.token_hex(16), parts=parts(fn)
    )
    return PreparedObjective(ref, functools.partial(pack, objective, secret=secret))


def _importable(fn: Any) -> str | None:
    """Return ``module:name`` of what another process finds there, None for anything else."""
    try:
        reference: str = encode_literal(fn, "the objective")["import"]
    except SpaceError:
        return None
    return reference


def _name(fn: Any) -> str:
    """Return what to call an objective: its module and its name, or those of what it wraps."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{getattr(named, '__module__', None) or '?'}:{named.__qualname__}"

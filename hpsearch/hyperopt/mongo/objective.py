"""Sends the objective of a script to the workers, by name or by value."""

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
from hpsearch.objective.by_value.envelope import Destination, pack
from hpsearch.objective.by_value.fingerprint import fingerprint, part_digests
from hpsearch.objective.by_value.secret import read_secret
from hpsearch.objective.source_fingerprint import fingerprinted
from hpsearch.space.literal import encode_literal


@dataclass(frozen=True, slots=True)
class PreparedObjective:
    """An objective in the form in which workers receive it."""

    ref: ObjectiveRef
    #: The callable to send by value and the secret to sign it with; None for one that workers import.
    by_value: tuple[Callable[..., Any], bytes] | None = None

    def payload(self, database: str, exp_key: str, ref: ObjectiveRef) -> bytes | None:
        """Return the signed callable, or None if workers import the objective.

        Parameters
        ----------
        database, exp_key : str
            The only database and experiment that may load it.
        ref : ObjectiveRef
            That of the stored experiment, whose nonce is signed too.
        """
        if self.by_value is None:
            return None
        fn, secret = self.by_value
        return pack(fn, Destination(database=database, exp_key=exp_key, nonce=ref.nonce), secret=secret)


def prepare_objective(domain: Domain) -> PreparedObjective:
    """Prepare the objective of a search for workers.

    Workers import a function of a module by name. A function of the script itself, a lambda, a
    partial or any other callable is sent by value, signed.

    Raises
    ------
    ConfigurationError
        If it must be sent by value, and there is no secret to sign it with, or no cloudpickle.
    """
    fn: Any = domain.fn
    reference = None if domain.needs_ctrl else _importable(fn)
    if reference is not None:
        return PreparedObjective(fingerprinted(ObjectiveRef(kind="import", ref=reference)))
    name, secret = callable_name(fn), read_secret(os.environ)
    if secret is None:
        raise ConfigurationError(
            f"{name} is not a function that workers can import, so it must be sent to them signed: run "
            "`export HPSEARCH_SECRET=$(openssl rand -hex 32)` here and give the workers the same secret, "
            "or put it into a module that the workers have."
        )
    objective = ExpressionObjective(domain) if domain.needs_ctrl else fn
    ref = ObjectiveRef(
        kind=BY_VALUE, ref=name, digest=fingerprint(fn), nonce=secrets.token_hex(16), parts=part_digests(fn)
    )
    return PreparedObjective(ref, (objective, secret))


def _importable(fn: Any) -> str | None:
    """Return ``module:name`` if another process can import the callable, else None."""
    try:
        reference: str = encode_literal(fn, "the objective")["import"]
    except SpaceError:
        return None
    return reference


def callable_name(fn: Any) -> str:
    """Return ``module:name`` of a callable, or of the function that its partials wrap."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{getattr(named, '__module__', None) or '?'}:{named.__qualname__}"

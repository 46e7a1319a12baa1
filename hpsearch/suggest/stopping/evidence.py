"""What a rule makes its part of a policy from."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.suggest.stopping.chain_fit import Chain
from hpsearch.suggest.stopping.rung_table import RungTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a search knows when a policy is due."""

    table: RungTable  #: what the trials reported
    chain: Chain | None  #: the model of their curves; None while there is none
    sign: float  #: -1 where higher reported values are better, else 1
    end: float | None  #: last step of a full trial, if known

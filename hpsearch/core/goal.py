"""What a search makes as low or as high as possible.

Inside hpsearch and in its documents, a loss is always minimised. A goal says which number of the objective's
result it comes from, and how a person reads it: of a search that maximises accuracy, the loss is the negative
accuracy, and views show the accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A number of the objective's result, and its direction."""

    metric: str | None = None  #: its key in the result, ``outer.inner`` in a dict there; None for "loss"
    maximize: bool = False  #: whether higher is better

    @property
    def name(self) -> str:
        """What views call the number."""
        return self.metric or ("value" if self.maximize else "loss")

    @property
    def is_loss(self) -> bool:
        """Whether the number is the loss itself."""
        return self.metric is None and not self.maximize

    def loss(self, value: float) -> float:
        """Return the loss of a number; of a loss, the number."""
        return 0.0 - value if self.maximize else value  # not -value, which may be -0.0

    def value(self, loss: float) -> float:
        """Return the number whose loss is given."""
        return self.loss(loss)

    def in_result(self, returned: Mapping[Any, Any]) -> Any:
        """Return what a result, or its ``losses``, has as the number; None if there is none."""
        name = self.metric or "loss"
        found = _at(returned, name)
        losses = returned.get("losses")
        return _at(losses, name) if found is None and isinstance(losses, Mapping) else found

    def __str__(self) -> str:
        return f"{'maximises' if self.maximize else 'minimises'} {self.metric or 'the returned value'}"


#: The goal of a search that names none.
LOSS = Goal()


def _at(returned: Mapping[Any, Any], key: str) -> Any:
    if key in returned:
        return returned[key]
    outer, _, inner = key.partition(".")
    part = returned.get(outer) if inner else None
    return _at(part, inner) if isinstance(part, Mapping) else None

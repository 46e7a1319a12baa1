"""The predicted loss of a trial that has none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Where a trial that was stopped, or still runs, would end."""

    loss: float  #: the prediction; not below the best loss
    upper: float  #: the loss one standard deviation above it

"""The best loss so far as a small picture in the page itself, which needs no script."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from hpsearch.core.history import Floats
from hpsearch.dashboard.columns import Ints
from hpsearch.report.text import number

_WIDTH, _HEIGHT = 240.0, 48.0


def sparkline(tids: Ints, losses: Floats, *, n: int) -> Markup:
    """Return a step line as SVG; empty without a loss.

    Parameters
    ----------
    tids : (k,) array
        The trials that improved the best loss.
    losses : (k,) array
        Their losses.
    n : int
        All trials.
    """
    if not len(tids):
        return Markup()
    # The first losses may be outliers that would flatten all others.
    top = float(np.quantile(losses, 0.75)) if len(losses) > 3 else float(losses[0])
    span = top - float(losses[-1]) or 1.0
    heights = np.clip((losses - losses[-1]) / span, 0.0, 1.0)
    x = _WIDTH * tids / max(n - 1, 1)
    y = 3 + (_HEIGHT - 6) * (1 - heights)
    steps = f"M{x[0]:.1f} {y[0]:.1f}" + "".join(
        f"H{right:.1f}V{low:.1f}" for right, low in zip(x[1:], y[1:], strict=True)
    )
    label = f"Best loss so far: {number(float(losses[-1]))}, first reached in trial {tids[-1]} of {n}"
    return Markup(
        '<svg class="spark" viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{label}" '
        'preserveAspectRatio="none"><path d="{path}"/></svg>'
    ).format(w=_WIDTH, h=_HEIGHT, label=label, path=f"{steps}H{_WIDTH:.1f}")

"""A picture of a search that a notebook shows."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from hpsearch.report.matplotlib.figures import draw_figures
from hpsearch.report.plotdata.figure import Figure

#: Dots per inch.
_DPI = 100


class Picture:
    """Figures as values, and as drawn by matplotlib.

    Parameters
    ----------
    data : sequence of Figure
        What to draw, one below the other; at least one.

    Attributes
    ----------
    data : tuple of Figure
        The same: titles, captions, axes, and points as arrays.
    figure : matplotlib.figure.Figure
        The drawing, which may be changed; ``figure.savefig("history.pdf")`` saves it.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """

    def __init__(self, data: Sequence[Figure]) -> None:
        self.data = tuple(data)
        self.figure: Any = draw_figures(self.data)

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        self.figure.savefig(file, format="png", dpi=_DPI)
        return file.getvalue()

    def __repr__(self) -> str:
        return f"<picture: {', '.join(figure.title for figure in self.data)}>"

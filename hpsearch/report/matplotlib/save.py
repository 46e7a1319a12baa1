"""Writes matplotlib figures to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.numerics import isolated_numerics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 130
#: Matplotlib draws no more pixels than this in one direction.
_MAX_PIXELS = 60_000


@isolated_numerics()
def save_figure(figure: Figure, path: Path, *, dpi: int = _DPI) -> None:
    """Write a figure to a file.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : Path
        The file; its suffix names the format: ``.png``, ``.svg`` or ``.pdf``.
    dpi : int
        Dots per inch of a PNG, and of what is drawn as an image.

    Raises
    ------
    ConfigurationError
        If the file cannot be written.
    """
    limit = _MAX_PIXELS / max(figure.get_size_inches())
    try:
        figure.savefig(path, dpi=min(dpi, limit))
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"The picture cannot be written to {path}: {reason}.") from error

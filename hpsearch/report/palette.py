"""Colours of pictures, light and dark, after Okabe and Ito: colour-blind people can tell them apart.

No two marks differ in colour alone; the faces also give each role a shape of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from hpsearch.report.plotdata.figure import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one theme."""

    paper: str
    ink: str  #: texts
    faint: str  #: less important texts
    grid: str
    done: str
    best: str
    failed: str
    running: str
    pending: str
    pruned: str
    prior: str
    #: From few or bad to many or good: more contrast to the paper means more.
    scale: tuple[str, str, str, str, str]
    series: tuple[str, str, str, str, str, str, str, str]  #: searches

    def of(self, role: Role) -> str:
        """Return the colour of a role."""
        return str(getattr(self, _FIELDS[role]))


_FIELDS: Mapping[Role, str] = MappingProxyType(
    {
        Role.DONE: "done",
        Role.FAILED: "failed",
        Role.RUNNING: "running",
        Role.PENDING: "pending",
        Role.CANCELLED: "pending",
        Role.PRUNED: "pruned",
        Role.INVALID: "pending",
        Role.BEST: "best",
        Role.MEAN: "best",
        Role.OVERLAID: "ink",
        Role.BEYOND: "done",
        Role.PRIOR: "prior",
        Role.GUIDE: "grid",
        Role.DOMINATED: "pending",
        Role.INFEASIBLE: "failed",
        Role.LIMIT: "failed",
        Role.SERIES: "done",
    }
)

LIGHT = Palette(
    paper="#ffffff",
    ink="#1f2328",
    faint="#5f6770",
    grid="#dfe3e7",
    done="#0072b2",
    best="#d55e00",
    failed="#a5417a",
    running="#00795a",
    pending="#6b737b",
    pruned="#7a5c00",
    prior="#8a939b",
    scale=("#d5e5f2", "#9cc3e0", "#5a9bc8", "#1d6ba3", "#063a63"),
    series=("#0072b2", "#d55e00", "#00795a", "#a5417a", "#7a5c00", "#56b4e9", "#1f2328", "#e69f00"),
)

DARK = Palette(
    paper="#14181d",
    ink="#e6e9ec",
    faint="#a0a8b0",
    grid="#343b43",
    done="#56b4e9",
    best="#ff9a3d",
    failed="#e08fbd",
    running="#35c99a",
    pending="#98a1aa",
    pruned="#e6d65a",
    prior="#7c858e",
    scale=("#1d3347", "#2a5678", "#3c82b2", "#6bb3e0", "#d2ebfb"),
    series=("#56b4e9", "#ff9a3d", "#35c99a", "#e08fbd", "#e6d65a", "#3c82b2", "#e6e9ec", "#b58900"),
)


def _variables(palette: Palette) -> Iterator[tuple[str, str]]:
    """Yield the CSS variables of a palette with their values."""
    for field in fields(palette):
        value = getattr(palette, field.name)
        if isinstance(value, str):
            yield f"--plot-{field.name}", value
        else:
            yield from ((f"--plot-{field.name}-{i}", color) for i, color in enumerate(value))


def _by_variable() -> Palette:
    """Return a palette whose colours are references to the CSS variables."""
    names = iter(f"var({name})" for name, _ in _variables(LIGHT))
    colors: dict[str, Any] = {}
    for field in fields(Palette):
        value = getattr(LIGHT, field.name)
        colors[field.name] = next(names) if isinstance(value, str) else tuple(next(names) for _ in value)
    return Palette(**colors)


#: Colours as ``var(--plot-ink)``, for a page that resolves them for its theme; see ``palette_css``.
CSS_VARIABLES = _by_variable()


def palette_css() -> str:
    """Return a style sheet that defines the CSS variables for both themes.

    The theme is the reader's, unless the root element has ``data-theme="light"`` or ``"dark"``.
    """
    light, dark = (
        "".join(f"{name}:{value};" for name, value in _variables(palette)) for palette in (LIGHT, DARK)
    )
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
        ":root[data-theme=light]{color-scheme:light}"
    )

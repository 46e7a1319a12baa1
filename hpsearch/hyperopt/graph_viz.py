"""Hyperopt's ``graph_viz``: the parameters of a space as a Graphviz graph."""

from __future__ import annotations

from typing import Any

from hpsearch.hyperopt.pyll.graph import as_apply
from hpsearch.hyperopt.pyll_utils import expr_to_config
from hpsearch.space.tree import Space

__all__ = ["dot_hyperparameters", "expr_to_config"]


def dot_hyperparameters(expr: Any) -> str:
    """Return the parameters of a space and their conditions in DOT, the language of Graphviz."""
    lines = ["digraph {"]
    drawn: set[str] = set()
    for parameter in Space(as_apply(expr)).parameters:
        lines.append(f"{_quoted(parameter.label)} [shape=box];")
        # The last condition of a path is the nearest option above.
        for condition in dict.fromkeys(path[-1] for path in parameter.paths if path):
            option = _quoted(f"{condition.label}={condition.option}")
            if option not in drawn:
                drawn.add(option)
                lines.append(f"{option} [shape=ellipse];")
                lines.append(f"{_quoted(condition.label)} -> {option};")
            lines.append(f"{option} -> {_quoted(parameter.label)};")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

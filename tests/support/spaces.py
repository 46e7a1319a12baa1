"""Hypothesis strategies for search spaces: nested, conditional, with shared nodes and arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.space.tree import Space

#: Builders of numbers, one for each distribution, from a label and a positive width.
NUMBERS: dict[str, Callable[[str, float], Any]] = {
    "uniform": lambda label, width: hp.uniform(label, -width, width),
    "quniform": lambda label, width: hp.quniform(label, -width, 2 * width, width / 3),
    "uniformint": lambda label, width: hp.uniformint(label, -3, 3 + width),
    "loguniform": lambda label, width: hp.loguniform(label, -width, 0),
    "qloguniform": lambda label, width: hp.qloguniform(label, -1, 1 + width, 0.5),
    "normal": lambda label, width: hp.normal(label, 3, width),
    "qnormal": lambda label, width: hp.qnormal(label, -2, width, width / 2),
    "lognormal": lambda label, width: hp.lognormal(label, 0, width / 2),
    "qlognormal": lambda label, width: hp.qlognormal(label, 1, width / 4, 0.25),
    "randint": lambda label, width: hp.randint(label, -5, 5 + round(width)),
}

#: Arithmetic on one node; each operation can be inverted.
ARITHMETIC: list[Callable[[Any], Any]] = [
    lambda node: 3 * node,
    lambda node: node + 0.5,
    lambda node: 2 - node,
    lambda node: -node,
    lambda node: node / 4,
    lambda node: 0.5 + 2 * node,
]

LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3)
)
KEYS = st.one_of(st.sampled_from(["a", "b.c", "$d", ""]), st.integers(-3, 3), st.none(), st.just((1, "x")))


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> Any:
    """Nested structures with at most ``depth`` levels; the options of a choice are distinct."""
    numbers: list[Any] = []
    choices: list[Any] = []
    labels = (f"p{i}.$" for i in range(10_000))

    def number() -> Any:
        if numbers and draw(st.booleans()):
            return draw(st.sampled_from(numbers))
        build = NUMBERS[draw(st.sampled_from(sorted(NUMBERS)))]
        numbers.append(build(next(labels), draw(st.sampled_from([0.5, 1.0, 4.0]))))
        return numbers[-1]

    def choice(depth: int) -> Any:
        if choices and draw(st.integers(0, 3)) == 0:
            return draw(st.sampled_from(choices))
        label = next(labels)
        options = [{"option": i, "holds": node(depth - 1)} for i in range(draw(st.integers(1, 3)))]
        if draw(st.booleans()):
            choices.append(hp.choice(label, options))
        else:
            weights = [draw(st.integers(1, 5)) for _ in options]
            choices.append(
                hp.pchoice(label, [(w / sum(weights), o) for w, o in zip(weights, options, strict=True)])
            )
        return choices[-1]

    def node(depth: int) -> Any:
        kinds = ["literal", "number", "arithmetic"] + [
            "choice",
            "choice",
            "choice",
            "dict",
            "list",
            "tuple",
        ] * (depth > 0)
        match draw(st.sampled_from(kinds)):
            case "literal":
                return draw(LITERALS)
            case "number":
                return number()
            case "arithmetic":
                return draw(st.sampled_from(ARITHMETIC))(number())
            case "choice":
                return choice(depth)
            case "dict":
                return {key: node(depth - 1) for key in draw(st.lists(KEYS, max_size=3, unique=True))}
            case "list":
                return [node(depth - 1) for _ in range(draw(st.integers(0, 3)))]
            case _:
                return tuple(node(depth - 1) for _ in range(draw(st.integers(0, 3))))

    return {"first": node(depth), "second": node(depth)}


def spaces() -> st.SearchStrategy[Space]:
    """Search spaces of all kinds."""
    return expressions().map(Space)


def reordered(value: Any) -> Any:
    """Return a structure with the order of all its dicts reversed."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    if isinstance(value, list | tuple):
        return type(value)(reordered(item) for item in value)
    return value

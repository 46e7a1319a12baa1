"""Python text is parsed in any thread."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hpsearch.runtime.syntax_trees import syntax_tree


class Garbage:
    """A cycle whose end lets another thread run."""

    def __init__(self) -> None:
        self.cycle = self

    def __del__(self) -> None:
        for _ in range(200):
            pass


@pytest.fixture
def busy_collector() -> Iterator[None]:
    """Collect garbage, and change threads, as often as possible."""
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50, 5, 5)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("busy_collector")
def test_threads_may_parse_at_the_same_time() -> None:
    """CPython before 3.13 refuses some of the texts that several threads parse at once."""
    text = "\n".join(f"def f{i}(x):\n    return g(x, [{i}, (x, {i})])" for i in range(100))

    def parsed(_: int) -> str:
        garbage = [Garbage() for _ in range(50)]
        del garbage
        return ast.dump(syntax_tree(text))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(parsed, range(40)))) == 1


def test_an_expression_is_parsed_as_one() -> None:
    assert isinstance(syntax_tree("a < 1", "eval").body, ast.Compare)
    with pytest.raises(SyntaxError):
        syntax_tree("a = 1", "eval")

"""The fingerprint is the same in each run, and differs if the behaviour of the objective differs."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.objective.by_value.fingerprint import fingerprint, part_digests

SCRIPT = """
import dataclasses, enum, functools, math, random, threading
import numpy as np
from pathlib import Path
from hpsearch.objective.by_value.fingerprint import fingerprint

SIZES = {"small", "medium", "large"}
TABLE = {"b": [1, 2.5, None], "a": (True, b"x", Path("data"))}
WEIGHTS = np.arange(12.0).reshape(3, 4)
LOCK, RNG = threading.Lock(), random.Random()

class Color(enum.Enum):
    RED = 1

@dataclasses.dataclass
class Setup:
    rate: float = 0.5
    sizes: frozenset = frozenset({"x", "y"})

class Model:
    depth = 3
    def __init__(self, setup): self.setup = setup
    def fit(self, x):
        if x in {"p", "q", "r"}:
            return self.fit(x)
        return math.sqrt(x) * self.setup.rate

@functools.lru_cache
def cached(x):
    return x + 1

def helper(x):
    return objective if x is None else [Model(Setup()).fit(y) for y in SIZES]

def objective(config, scale=2.0, *, color=Color.RED):
    with LOCK:
        return helper(config), TABLE, WEIGHTS, RNG.random(), cached(scale), (lambda z: z * 3)(1)
"""

CHANGES = {
    "a constant": ("z * 3", "z * 4"),
    "an operation": ("x + 1", "x - 1"),
    "a function that it calls": ("math.sqrt(x)", "math.exp(x)"),
    "a default": ("scale=2.0", "scale=2.5"),
    "a keyword's default": ("color=Color.RED", "color=None"),
    "a default of a class": ("rate: float = 0.5", "rate: float = 0.6"),
    "an attribute of a class": ("depth = 3", "depth = 4"),
    "a value in a dict": ("[1, 2.5, None]", "[1, 2.6, None]"),
    "a type in a tuple": ("(True, b", "(1, b"),
    "an item of a set": ('"large"}', '"huge"}'),
    "an item of a set in the code": ('"q", "r"}', '"q", "s"}'),
    "an array": ("np.arange(12.0)", "np.arange(12)"),
    "the shape of an array": ("reshape(3, 4)", "reshape(4, 3)"),
    "a path": ('Path("data")', 'Path("date")'),
    "the type of another object": ("random.Random()", "threading.Event()"),
}

SAME = {
    "a comment": ("SIZES =", "# a comment\n\nSIZES ="),
    "the order in a dict": ('{"b": [1, 2.5, None], "a": (True, b"x", Path("data"))}',
                            '{"a": (True, b"x", Path("data")), "b": [1, 2.5, None]}'),
    "what it does not use": ("LOCK, RNG", "UNUSED = 5\nLOCK, RNG"),
    "the content of another object": ("random.Random()", "random.Random(3)"),
}  # fmt: skip


def made(source: str, name: str = "f") -> Callable[..., Any]:
    """Run source code as the script, and return the object that it defines under a name."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "script", "exec", dont_inherit=True), space)
    return space[name]


def test_it_is_the_same_in_another_process_with_another_file_name_and_order_of_sets(tmp_path: Path) -> None:
    found = {fingerprint(made(SCRIPT, "objective"))}
    for seed in ("1", "2"):
        path = tmp_path / f"script_{seed}.py"
        path.write_text(f"{SCRIPT}\nprint(fingerprint(objective))")
        environ = {"PYTHONHASHSEED": seed}
        run = subprocess.run([sys.executable, path], env=environ, capture_output=True, text=True, check=True)
        found.add(run.stdout.strip())

    assert len(found) == 1


def of_changed(old: str, new: str) -> str:
    assert SCRIPT.count(old) == 1
    return fingerprint(made(SCRIPT.replace(old, new), "objective"))


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_behaviour_changes_it(what: str) -> None:
    assert of_changed(*CHANGES[what]) != fingerprint(made(SCRIPT, "objective"))


@pytest.mark.parametrize("what", SAME)
def test_no_other_change_changes_it(what: str) -> None:
    assert of_changed(*SAME[what]) == fingerprint(made(SCRIPT, "objective"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (functools.partial(pow, 2), functools.partial(pow, 3)),
        (functools.partial(max, key=len), functools.partial(max, key=abs)),
        (np.exp, np.log),
        ([1].__getitem__, [2].__getitem__),
        (functools.partial(made("def f(a): return 1"), 1), functools.partial(made("def f(a): return 2"), 1)),
        (made("def f(x): return x"), made("def f(y): return y + 0")),
        (made("def f(*a): return 0.0"), made("def f(*a): return -0.0")),
        (made("def f(x): return x.real"), made("def f(x): return x.imag")),
        (made("class A:\n    n = 1\n    def g(self): return self.n\nf = A().g"),
         made("class A:\n    n = 2\n    def g(self): return self.n\nf = A().g")),
        (made("class A:\n    def __init__(self): self.n = 1\n    def __call__(self, c): return c\nf = A()"),
         made("class A:\n    def __init__(self): self.n = 2\n    def __call__(self, c): return c\nf = A()")),
        (made("g = lambda n: lambda c: n\nf = g(1)"), made("g = lambda n: lambda c: n\nf = g(2)")),
    ],
)  # fmt: skip
def test_different_objectives_of_every_kind_differ(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


def changed_parts(old: str, new: str) -> set[str]:
    before, after = (
        part_digests(made(SCRIPT, "objective")),
        part_digests(made(SCRIPT.replace(old, new), "objective")),
    )
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("a value in a dict", {"TABLE"}),
        ("an array", {"WEIGHTS"}),
        ("a default", {"scale"}),
        ("a keyword's default", {"color"}),
        ("an item of a set", {"helper.SIZES"}),
        ("a default of a class", {"helper.Setup"}),
        ("a constant", set()),
        ("the type of another object", {"RNG"}),
    ],
)
def test_the_parts_name_exactly_what_differs(what: str, names: Any) -> None:
    """Including values that a called function of the script uses; its own code is no part."""
    assert changed_parts(*CHANGES[what]) == names


@pytest.mark.parametrize("what", SAME)
def test_no_part_differs_if_the_objective_is_the_same(what: str) -> None:
    assert changed_parts(*SAME[what]) == set()


def test_the_part_of_a_called_function_is_its_code_alone() -> None:
    assert changed_parts("if x is None", "if x is not None") == {"helper()"}


def test_parts_of_objects_and_partials_have_the_names_of_attributes_and_arguments() -> None:
    class Model:
        def __init__(self) -> None:
            self.rate = 0.5

        def __call__(self, c: Any) -> Any:
            return c

    assert set(part_digests(Model())) == {"self.rate"}
    assert set(part_digests(functools.partial(made("def f(a, b): return a"), 1, b=2))) == {"argument 0", "b"}
    assert set(part_digests(functools.partial(made("def f(**k): return k"), **{"a\0b": 2, "$ref": 1}))) == {
        "$ref"
    }


def test_at_most_five_hundred_parts_are_kept() -> None:
    assert len(part_digests(functools.partial(pow, *range(600)))) == 500


def test_a_closure_of_a_library_counts_with_its_captured_values() -> None:
    library: dict[str, Any] = {"__name__": "some_library"}
    exec("def scaled(n):\n    def scale(c): return n * c\n    return scale\ndef named(c): return c", library)

    def of(helper: Callable[..., Any]) -> str:
        return fingerprint(functools.partial(made("def f(g, c): return g(c)"), helper))

    assert of(library["scaled"](1)) == of(library["scaled"](1)) != of(library["scaled"](2))
    before = of(library["named"])
    library["named"].__code__ = library["scaled"](1).__code__.replace(co_freevars=())
    assert of(library["named"]) == before, "a global function of a module counts by its name"


def test_a_function_without_a_module_has_a_fingerprint() -> None:
    function = made("def f(c): return c")
    function.__module__ = None
    assert fingerprint(functools.partial(pow, function)) == fingerprint(functools.partial(pow, function))


def test_values_that_contain_themselves_or_each_other_have_a_fingerprint(tmp_path: Path) -> None:
    source = "def f(x): return g(x), loop\ndef g(x): return f(x)\nloop = [1]; loop.append(loop)"
    assert fingerprint(made(source)) == fingerprint(made(source))
    assert fingerprint(made(source)) != fingerprint(made(source.replace("[1]", "[2]")))


def test_many_functions_that_use_each_other_are_fast() -> None:
    names = [f"f{i}(x)" for i in range(14)]
    source = "\n".join(f"def {name}: return {' + '.join(names)}" for name in names)
    assert len(fingerprint(made(source, "f0"))) == 64


def test_many_functions_that_share_others_are_fast() -> None:
    source = "".join(f"def f{i}(x): return f{i + 1}(x) + f{i + 2}(x)\n" for i in range(60))
    source += "def f60(x): return x\ndef f61(x): return x"
    assert len(fingerprint(made(source, "f0"))) == 64


def test_empty_cells_and_missing_globals_are_ignored() -> None:
    source = "def outer():\n    def g(c): return later, missing\n    return g\n    later = 1\nf = outer()"
    assert fingerprint(made(source)) == fingerprint(made(source))


def test_numpy_values_count_with_their_type() -> None:
    def of(value: Any) -> str:
        return fingerprint(functools.partial(pow, value))

    assert of(np.float32(1)) != of(np.float64(1)) != of(1.0)
    assert of(np.array([1, "a"], dtype=object)) == of(np.array([1, "a"], dtype=object))

"""Which changes affect the program slice of a function."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest

from hpsearch.objective.code_slice import Source, slice_digests

BASE = '''
import numpy as np
import model
from tools import clean as tidy

SCALE = 2
UNUSED = 3
TABLE = {}
TABLE["a"] = 4


class Net:
    """A net."""

    width: int = 3

    def run(self, x):
        return x * self.width


def helper(x):
    """Help."""
    return x * SCALE


def objective(config):
    net = Net()
    return helper(config["x"]) + net.run(1) + TABLE["a"] + model.loss(config) + tidy(np.pi)


def other(config):
    return UNUSED


if __name__ == "__main__":
    print(objective({"x": 1}))
'''

MODEL = """
import lib
DEPTH = 5
def loss(config): return DEPTH
def draw(config): return 1
"""

TOOLS = "def clean(x):\n    from model import DEPTH\n    return x\n"


def digests(text: str = BASE, name: str = "objective", **others: str) -> Mapping[str, str]:
    texts = {"main": text, "model": MODEL, "tools": TOOLS, **others}
    return slice_digests(
        "main",
        name,
        lambda module: Source(textwrap.dedent(texts[module]), "pkg") if module in texts else None,
    )


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_a_function_and_everything_that_it_uses_in_its_program_count_by_name() -> None:
    assert digests().keys() == {
        "objective()",
        "helper()",
        "SCALE",
        "Net()",
        "TABLE",
        "np",
        "model",
        "tidy",
        "model.loss()",
        "model.DEPTH",
        "tools.clean()",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# nothing", "# nothing"),
        ("    return x * SCALE", "    # twice as much\n    return (x\n        * SCALE)"),
        ('"""Help."""', '"""Help others."""'),
        ('    """Help."""\n', ""),
        ('    """A net."""\n\n', ""),
        ("SCALE = 2", "SCALE: int = 0x2"),
        ("SCALE = 2", "SCALE = 2  # a constant"),
        ("def helper(x):", "def helper(x: float) -> float:"),
        ("UNUSED = 3", "UNUSED = 4"),
        ("    return UNUSED", "    return 1"),
        ("def other(config)", "def another(config)"),
        ("    print(objective", "    print('here', objective"),
        ("import numpy as np", "import sys\nimport numpy as np"),
        ('"x"', "'x'"),
    ],
)
def test_a_change_without_effect_on_behaviour_does_not_count(old: str, new: str) -> None:
    text = BASE.replace(old, new)
    assert digests(text) == digests()
    assert digests(text.replace("\n", "\r\n")) == digests()


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("+ net.run(1)", "+ net.run(2)", "objective()"),
        ("    return x * SCALE", "    return x + SCALE", "helper()"),
        ("def helper(x):", "def helper(x, y=1):", "helper()"),
        ("SCALE = 2", "SCALE = 3", "SCALE"),
        ("SCALE = 2", "SCALE = 2.0", "SCALE"),
        ("SCALE = 2", "SCALE = 2\nSCALE += 1", "SCALE"),
        ('TABLE["a"] = 4', 'TABLE["a"] = 5', "TABLE"),
        ('TABLE["a"] = 4', 'TABLE["a"] = 4\nTABLE.update(b=1)', "TABLE"),
        ('TABLE["a"] = 4', 'TABLE["a"] = 4\nfor k in "bc":\n    TABLE[k] = 1', "TABLE"),
        ("width: int = 3", "width: int = 4", "Net()"),
        ("import numpy as np", "import numpy.ma as np", "np"),
        ("def objective(config):", "@np.vectorize\ndef objective(config):", "objective()"),
        ("def other(config)", "def helper(config)", "helper()"),
        ("SCALE = 2", "import os\nif os.name:\n    SCALE = 3\nelse:\n    SCALE = 2", "SCALE"),
    ],
)
def test_a_change_that_may_affect_a_result_counts_under_its_name(old: str, new: str, name: str) -> None:
    assert name in changed(digests(), digests(BASE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("DEPTH = 5", "DEPTH = 6", {"model.DEPTH"}),
        ("return DEPTH", "return -DEPTH", {"model.loss()"}),
        ("def draw(config): return 1", "def draw(config): return 2", set()),
    ],
)
def test_used_parts_of_modules_of_the_same_program_count(old: str, new: str, names: Any) -> None:
    assert changed(digests(), digests(model=MODEL.replace(old, new))) == names


def test_relative_imports_of_a_package_count() -> None:
    texts = {
        "pkg": "from .parts import piece",
        "pkg.parts": "def piece(): return 1",
        "pkg.whole": "def all_of_it(): return 2",
    }
    main = "import pkg\nimport pkg.whole as w\ndef objective(c): return pkg.piece() + w.all_of_it()"
    found = digests(main, **texts)
    assert {"pkg.parts.piece()", "pkg.whole.all_of_it()"} <= found.keys()
    texts["pkg.parts"] = "def piece(): return 3"
    assert changed(found, digests(main, **texts)) == {"pkg.parts.piece()"}


@pytest.mark.parametrize(
    "main",
    [
        "from model import *\ndef objective(c): return loss(c)",
        "def objective(c):\n    from model import loss\n    return loss(c)",
        "def objective(c):\n    import model as m\n    return m.loss(c)",
        "try:\n    from model import loss\nexcept ImportError:\n    pass\ndef objective(c): return loss(c)",
        "import model\nobjective = model.loss",
        "from model import loss as objective",
        "import model\ndef objective(c): return getattr(model, 'loss')(c)",
        "import functools, model\nobjective = functools.partial(model.loss, depth=1)",
    ],
)
def test_an_objective_is_found_through_any_kind_of_import(main: str) -> None:
    before, after = digests(main), digests(main, model=MODEL.replace("DEPTH = 5", "DEPTH = 6"))
    assert changed(before, after) == {"model.DEPTH"}


def test_a_local_name_is_not_confused_with_a_global_one() -> None:
    text = BASE.replace("    net = Net()", "    UNUSED = 1\n    net = Net()")
    assert "UNUSED" not in digests(text)


def test_the_whole_module_counts_if_no_statement_defines_the_objective() -> None:
    main = "A = 1\nglobals()['objective'] = lambda config: A\n"
    assert changed(digests(main), digests(main.replace("A = 1", "A = 2"))) == {"A"}


def test_modules_may_import_each_other() -> None:
    main = "import model\nX = 1\ndef objective(c): return model.loss(c)"
    assert "model.main" in digests(main, model="import main\ndef loss(c): return main.X")


def test_a_module_without_source_has_no_digests() -> None:
    assert slice_digests("main", "objective", lambda module: None) == {}


def test_adjacent_text_of_an_f_string_counts_as_one() -> None:
    one = digests('def objective(c): return f"{c}ab{c!r:>{c}}"')
    assert one == digests('def objective(c): return f"{c}a" f"b{c!r:>{c}}"')


def test_a_statement_that_binds_several_names_counts_alike_in_every_process() -> None:
    """The order of sets differs between processes, and the names of the parts are compared."""
    program = (
        "from hpsearch.objective.code_slice import Source, slice_digests\n"
        "text = 'FIRST, SECOND, THIRD = 1, 2, 3\\ndef f(x): return x * FIRST * SECOND * THIRD\\n'\n"
        "print(list(slice_digests('m', 'f', lambda name: Source(text, None) if name == 'm' else None)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1

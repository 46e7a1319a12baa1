"""Every public name of Hyperopt exists, or README.md lists it as missing with a reason."""

import importlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import hpsearch.hyperopt

HERE = Path(__file__).parent
README = Path(hpsearch.hyperopt.__file__).parent / "README.md"
ROW = re.compile(r"^\| `([\w.]+)` \| (`.+`) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def hyperopts_names(hyperopt_python: str) -> Any:
    command = [hyperopt_python, HERE / "public_names.py"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=200, check=True)
    return json.loads(done.stdout)


def missing_names() -> Any:
    section = README.read_text().split("## Missing names")[1].split("\n## ")[0]
    return {
        (module, name) for module, names, _ in ROW.findall(section) for name in re.findall(r"`(\w+)`", names)
    }


def exists(module: Any, name: Any) -> bool:
    try:
        return hasattr(importlib.import_module(f"hpsearch.hyperopt.{module}".rstrip(".")), name)
    except ImportError:
        return False


def test_the_missing_names_are_those_of_the_list(hyperopts_names: Any) -> None:
    """Nothing else is missing, and no listed name exists."""
    missing = {
        (module, name)
        for module, names in hyperopts_names.items()
        for name in names
        if not exists(module, name)
    }
    assert missing == missing_names()


def test_every_module_exists(hyperopts_names: Any) -> None:
    assert len(hyperopts_names) > 20
    for module in set(hyperopts_names) - {"atpe_models"}:
        importlib.import_module(f"hpsearch.hyperopt.{module}".rstrip("."))

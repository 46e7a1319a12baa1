"""Every public name of Hyperopt is here, or stands with a reason in the list of those that are not."""

import importlib
import json
import re
import subprocess
from pathlib import Path

import pytest

import hpsearch.hyperopt

HERE = Path(__file__).parent
README = Path(hpsearch.hyperopt.__file__).parent / "README.md"
ROW = re.compile(r"^\| `([\w.]+)` \| (`.+`) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def hyperopts_names(hyperopt_python):
    command = [hyperopt_python, HERE / "public_names.py"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def names_not_here():
    section = README.read_text().split("## Names that are not here")[1].split("\n## ")[0]
    return {
        (module, name) for module, names, _ in ROW.findall(section) for name in re.findall(r"`(\w+)`", names)
    }


def is_here(module, name):
    try:
        return hasattr(importlib.import_module(f"hpsearch.hyperopt.{module}".rstrip(".")), name)
    except ImportError:
        return False


def test_what_is_missing_is_what_the_list_says(hyperopts_names) -> None:
    """In both directions: nothing else is missing, and nothing that is listed is there."""
    missing = {
        (module, name)
        for module, names in hyperopts_names.items()
        for name in names
        if not is_here(module, name)
    }
    assert missing == names_not_here()


def test_every_module_is_here(hyperopts_names) -> None:
    assert len(hyperopts_names) > 20
    for module in set(hyperopts_names) - {"atpe_models"}:
        importlib.import_module(f"hpsearch.hyperopt.{module}".rstrip("."))

"""Workers without Hyperopt evaluate objectives that import ``hyperopt``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: Hides an installed Hyperopt from the process.
HIDDEN = """
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "hyperopt" else PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
"""

LOADED = """
from hpsearch import Space, hp
from hpsearch.core.experiment import ObjectiveRef
from hpsearch_worker.messages import Load

ref = ObjectiveRef(kind="import", ref="train:objective")
loaded = Load("e", ref, Space({"x": hp.uniform("x", 0, 1)}).to_json(), None, None).load_here()
"""

#: A module that workers import, as users of Hyperopt write it.
TRAIN = """
import hyperopt
from hyperopt import STATUS_OK
from hyperopt.pyll import scope

def objective(config):
    from hyperopt.mongoexp import MongoTrials
    return {"loss": config["x"], "status": hyperopt.STATUS_OK}
"""


def run(folder: Path, script: str) -> str:
    """Run a script in a new process in a folder; return its output."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_objectives_get_our_package_under_the_name_of_a_missing_hyperopt(tmp_path: Path) -> None:
    """Also its submodules, and imports inside the objective."""
    (tmp_path / "train.py").write_text(TRAIN)
    script = "import hyperopt; print(hyperopt.__name__, loaded.objective({'x': 0.5}))"
    assert run(tmp_path, HIDDEN + LOADED + script) == "hpsearch.hyperopt {'loss': 0.5, 'status': 'ok'}"


@pytest.mark.long
def test_a_module_that_hyperopt_does_not_have_is_missing(tmp_path: Path) -> None:
    """Importing a module that neither package has is an error."""
    (tmp_path / "train.py").write_text("import hyperopt\nobjective = float")
    script = (
        "\ntry:\n    import hyperopt.nothing\nexcept ModuleNotFoundError as error:\n    print(error.name)"
    )
    assert run(tmp_path, HIDDEN + LOADED + script) == "hyperopt.nothing"


@pytest.mark.long
def test_an_installed_hyperopt_is_used(tmp_path: Path) -> None:
    """An objective gets the package of its machine."""
    pytest.importorskip("hyperopt")
    (tmp_path / "train.py").write_text("objective = float")
    script = "import hyperopt; print(hyperopt.__name__)"
    assert run(tmp_path, LOADED + script) == "hyperopt"


def test_a_worker_loads_the_drop_in_only_when_an_objective_asks(tmp_path: Path) -> None:
    """A worker itself never loads a suggester."""
    (tmp_path / "train.py").write_text("def objective(config): return 0.0")
    assert run(tmp_path, LOADED + "import sys; print('hpsearch.hyperopt' in sys.modules)") == "False"

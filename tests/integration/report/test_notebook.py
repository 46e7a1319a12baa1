"""The notebook of the examples, executed in a kernel; what its cells show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.documentation import REPOSITORY
from tests.support.explored import store_explored

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOK = REPOSITORY / "scripts" / "examples" / "results.ipynb"


@pytest.fixture(scope="module")
def outputs(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Return the outputs of each cell by its source, after one execution of the notebook."""
    name = "notebook_example"
    store = MongoStore.connect(mongo_uri, database=name, patience=Patience(120))
    store_explored(store, "digits")
    store.close()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HPSEARCH_STORE", mongo_uri.replace("/hpsearch?", f"/{name}?"))
        environment.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def shown(outputs: dict[str, list[Any]], end: str, kind: str = "text/html") -> str:
    """Return the only output of the cell that ends so."""
    [found] = [cell for source, cell in outputs.items() if source.endswith(end)]
    [output] = found
    return str(output["data"][kind])


def text(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup)).strip()


def test_fmin_shows_one_bar_with_its_final_state(outputs: dict[str, list[Any]]) -> None:
    bar = shown(outputs, "rstate=1)")
    assert '<progress value="30" max="30"' in bar
    assert text(bar).startswith("30/30 trials, best loss: ")
    assert shown(outputs, "rstate=1)", "text/plain").startswith("30/30 trials")


def test_spaces_trials_and_searches_show_as_tables(outputs: dict[str, list[Any]]) -> None:
    assert "C loguniform 0.00673795 .. 148.413" in text(shown(outputs, "Space(space)"))
    assert text(str(outputs["trials"][0]["data"]["text/html"])).startswith("30 trials: 30")
    search = text(shown(outputs, "\nsearch"))
    assert search.startswith("Search digits , done (max_evals): 90 done, 10 failed trial loss")
    assert text(shown(outputs, "search.best")).startswith("Trial digits/")
    assert "<td>" in shown(outputs, ".head()")


def test_pictures_show_as_png(outputs: dict[str, list[Any]]) -> None:
    for end in ("search.plot()", 'search.plot("importance")'):
        assert shown(outputs, end, "image/png").startswith("iVBORw0KGgo")
    plain = shown(outputs, "search.plot()", "text/plain")
    assert plain.startswith("<picture: Losses over the trials, Importance of the parameters, ")


def test_the_notebook_is_stored_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell.source for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert Path(NOTEBOOK).stat().st_size < 10_000

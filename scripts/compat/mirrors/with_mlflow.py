"""A search in MLflow: mirrored, mirrored again, and read back by the client of MLflow."""

import os
import tempfile
from pathlib import Path

# Without a server, MLflow keeps its runs in files.
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow
from mirrored_search import WRITTEN, finished_search

from hpsearch.integrations.mirror.mlflow import MlflowTarget
from hpsearch.integrations.mirror.tail import mirror

store, search = finished_search()
with tempfile.TemporaryDirectory() as folder:
    uri = Path(folder, "mlruns").as_uri()
    assert mirror(store, "s", MlflowTarget(search, uri, "lab")) == len(WRITTEN)
    assert mirror(store, "s", MlflowTarget(search, uri, "lab"), once=True) == 0

    client = mlflow.MlflowClient(tracking_uri=uri)
    lab = client.get_experiment_by_name("lab").experiment_id
    [cut] = client.search_runs([lab], "tags.`hpsearch.trial` = '1'")
    client.update_run(cut.info.run_id, status="RUNNING")  # what a mirror leaves that is killed in a trial
    assert mirror(store, "s", MlflowTarget(search, uri, "lab")) == 1

    runs = client.search_runs([lab])
    [parent] = [run for run in runs if "hpsearch.trial" not in run.data.tags]
    by_tid = {int(run.data.tags["hpsearch.trial"]): run for run in runs if run is not parent}
    assert parent.info.run_name == "s"
    assert sorted(by_tid) == WRITTEN
    assert {run.data.tags["mlflow.parentRunId"] for run in by_tid.values()} == {parent.info.run_id}
    done, failed, pruned = by_tid[0], by_tid[1], by_tid[2]
    assert [run.info.status for run in (done, failed, pruned)] == ["FINISHED", "FAILED", "KILLED"]
    assert done.data.params == {"x": "0.5", "model.units": "32"}
    assert done.data.metrics["value"] == 0.75
    assert done.data.metrics["part.a_b"] == 2.0
    curve = client.get_metric_history(done.info.run_id, "report")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.75)]
    assert failed.data.tags["error"] == "ValueError: boom"
    assert pruned.data.tags["pruned"] == "too slow"
print(f"MLflow {mlflow.__version__}: {len(by_tid)} trials")

"""A search for TensorBoard: mirrored, mirrored again, and read back by the reader of TensorBoard."""

import tempfile
from pathlib import Path

import tensorboard
from mirrored_search import WRITTEN, finished_search
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from hpsearch.integrations.mirror.tail import mirror
from hpsearch.integrations.mirror.tensorboard import TensorBoardTarget

store, search = finished_search()
with tempfile.TemporaryDirectory() as folder:
    assert mirror(store, "s", TensorBoardTarget(search, Path(folder))) == len(WRITTEN)
    assert mirror(store, "s", TensorBoardTarget(search, Path(folder)), once=True) == 0
    whole = Path(folder, "s", "trial-000001")
    whole.rename(whole.with_name("trial-000001.part"))  # what a mirror leaves that is killed in a trial
    assert mirror(store, "s", TensorBoardTarget(search, Path(folder))) == 1

    places = sorted(Path(folder, "s").iterdir())
    assert [place.name for place in places] == [f"trial-{tid:06d}" for tid in WRITTEN]
    events = EventAccumulator(str(places[0]))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("report")] == [(1, 0.5), (2, 0.75)]
    assert [(e.step, e.value) for e in events.Scalars("value")] == [(0, 0.75)]
    [text] = [
        content
        for tag, content in events.PluginTagToContent("hparams").items()
        if tag == "_hparams_/session_start_info"
    ]
    shown = HParamsPluginData.FromString(text).session_start_info.hparams
    assert shown["x"].number_value == 0.5
    assert shown["state"].string_value == "done"
print(f"TensorBoard {tensorboard.__version__}: {len(places)} trials")

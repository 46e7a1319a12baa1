"""``utils`` and ``std_out_err_redirect_tqdm``."""

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt import mongoexp, utils
from hpsearch.hyperopt.progress import default_callback, tqdm_progress_callback
from hpsearch.hyperopt.std_out_err_redirect_tqdm import std_out_err_redirect_tqdm


def test_objects_are_found_and_called_by_dotted_name() -> None:
    assert utils.json_lookup("os.path.join") is utils.load_tokens(["os", "path", "join"])
    assert utils.json_call("collections.OrderedDict", [[("a", 1)]]) == {"a": 1}
    assert utils.json_call(b"json.dumps", ["x"], {"indent": 1}) == '"x"'
    assert utils.import_tokens(["os", "path", "join"])[1] == ["join"]
    assert mongoexp.exec_import("json", "json.dumps") is utils.json_lookup("json.dumps")
    with pytest.raises(ImportError, match="no module 'nowhere'"):
        utils.json_lookup("nowhere.at.all")
    for value, error in (({}, NotImplementedError), ([], NotImplementedError), (1, TypeError)):
        with pytest.raises(error, match="name of a function must be a str"):
            utils.json_call(value)


def test_arguments_may_come_from_a_pickle(tmp_path: Path) -> None:
    blob = pickle.dumps({"args": (1,), "kwargs": {"base": 36}})
    (tmp_path / "arguments").write_bytes(blob)
    assert utils.get_obj("builtins.int", argstr=pickle.dumps({"args": ("11",)}), kwargs={"base": 2}) == 3
    with pytest.raises(TypeError):
        utils.get_obj("builtins.int", argfile=str(tmp_path / "arguments"))


def test_fast_isin() -> None:
    x, y = np.array([3, 1, 2, 3]), np.array([3, 5])
    assert utils.fast_isin(x, y).tolist() == [True, False, False, True]
    assert utils.fast_isin(x, []).tolist() == [False] * 4


def test_the_latest_version_of_each_document_is_found() -> None:
    docs = [{"_id": i, "version": v} for i, v in [(1, 0), (0, 2), (0, 1), (1, 3), (-1, 0), (0, 2)]]
    assert utils.get_most_recent_inds(docs).tolist() == [4, 5, 3]


def test_paths_are_split_and_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    assert list(utils.path_split_all("a/b/c")) == ["a", "b", "c"]
    assert utils.get_closest_dir("there/new/newer") == ("there", "new")
    assert utils.get_closest_dir("new/newer") == ("", "new")
    with utils.working_dir("there"):
        assert Path.cwd().name == "there"
    with pytest.raises(RuntimeError, match="on purpose"), utils.working_dir("there"):
        raise RuntimeError("on purpose")
    assert Path.cwd() == tmp_path
    with pytest.raises(ValueError, match="exists already"):
        utils.get_closest_dir("there")


def test_a_temporary_folder_is_removed_with_its_new_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    with utils.temp_dir("there/new/newer", erase_after=True):
        Path("there/new/newer/file").touch()
        assert Path("there/new.inuse").exists()
    assert list(Path("there").iterdir()) == []
    with pytest.raises(RuntimeError, match="on purpose"), utils.temp_dir("there/new", erase_after=True):
        raise RuntimeError("on purpose")
    assert list(Path("there").iterdir()) == []
    with utils.temp_dir("there", erase_after=True), utils.temp_dir("kept"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "there"]
    with pytest.raises(RuntimeError, match=r"'\.\.'"), utils.temp_dir("../outside"):
        pass


def test_output_beside_a_bar_is_written_on_separate_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output, errors = sys.stdout, sys.stderr
    with std_out_err_redirect_tqdm() as stream:
        assert stream is output
        sys.stdout.write("one two")
        sys.stdout.write("\n")
        sys.stderr.write("three\n")
        assert sys.stdout.encoding == output.encoding
        assert not sys.stdout.isatty()
        sys.stdout.flush()
    assert (sys.stdout, sys.stderr) == (output, errors)
    written = capsys.readouterr()
    assert written.out.splitlines() == ["one two"]
    assert written.err.splitlines() == ["three"]


def test_streams_are_restored_after_an_exception() -> None:
    output = sys.stdout
    with pytest.raises(RuntimeError, match="on purpose"), std_out_err_redirect_tqdm():
        raise RuntimeError("on purpose")
    assert sys.stdout is output


@pytest.mark.parametrize("callback", [tqdm_progress_callback, default_callback])
def test_callbacks_accept_counts_and_a_postfix(callback: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    output = sys.stdout
    with callback(initial=2, total=10) as bar:
        bar.postfix = "best loss: 3"
        bar.update(4)
    assert sys.stdout is output


def test_a_pymongo_client_is_created_from_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, tunnel, database, jobs = mongoexp.connection_from_string("mongo://nowhere.invalid:27018/lab/jobs")
    try:
        assert tunnel is None
        assert (database.name, jobs.name) == ("lab", "jobs")
    finally:
        client.close()
    with pytest.raises(ConfigurationError, match="open the tunnel yourself"):
        mongoexp.connection_with_tunnel("lab", ssh=True, user=None)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        mongoexp.connection_with_tunnel("lab")
    (tmp_path / ".hyperopt").write_text("hunter2\n")
    assert mongoexp.read_pw() == "hunter2"
    mongoexp.connection_with_tunnel("lab", "nowhere.invalid")[0].close()

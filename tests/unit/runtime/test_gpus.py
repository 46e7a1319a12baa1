"""Choice and assignment of GPUs."""

from __future__ import annotations

import pytest

from hpsearch.cli.local_workers import gpus_of_workers
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.gpus import VISIBLE, assign_gpus, find_gpus, in_listing

LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-46b58ab2-21d5-5a1c-a5e5-7a0e2b2a1d11)
  MIG 1g.5gb      Device  1: (UUID: MIG-GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77/7/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-c6d4f1ef-42e4-7de3-91c7-45d71c87eb3f)
GPU 2: Tesla T4 (UUID: GPU-b1f5f1ee-0e20-4d5c-8d5b-1a2b3c4d5e6f)
"""


def no_driver() -> str:
    raise AssertionError("the driver was asked")


def test_auto_takes_the_gpus_that_the_batch_system_made_visible() -> None:
    assert find_gpus("auto", {VISIBLE: "2, GPU-8932f937,5"}, no_driver) == ("2", "GPU-8932f937", "5")


@pytest.mark.parametrize(("inherited", "seen"), [("0,-1,1", ("0",)), ("3,void,1", ("3",))])
def test_auto_ignores_names_after_an_invalid_one_as_cuda_does(inherited: str, seen: tuple[str, ...]) -> None:
    assert find_gpus("auto", {VISIBLE: inherited}, no_driver) == seen


def test_auto_lists_the_instances_of_a_divided_gpu_instead_of_it() -> None:
    found = find_gpus("auto", {}, lambda: LISTING)

    assert found == (
        "MIG-46b58ab2-21d5-5a1c-a5e5-7a0e2b2a1d11",
        "MIG-GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77/7/0",
        "GPU-c6d4f1ef-42e4-7de3-91c7-45d71c87eb3f",
        "GPU-b1f5f1ee-0e20-4d5c-8d5b-1a2b3c4d5e6f",
    )


def test_other_output_of_the_driver_is_ignored() -> None:
    assert (
        in_listing("Unable to determine the device handle for GPU 0000:01:00.0\n\nNo devices found.\n") == ()
    )


@pytest.mark.parametrize(
    ("environment", "place"), [({VISIBLE: ""}, VISIBLE), ({VISIBLE: "-1"}, VISIBLE), ({}, "nvidia-smi")]
)
def test_auto_without_a_gpu_names_its_source(environment: dict[str, str], place: str) -> None:
    with pytest.raises(ConfigurationError, match=f"found no GPU: {place}"):
        find_gpus("auto", environment, lambda: "No devices found.\n")


def test_an_explicit_list_is_used_unchanged() -> None:
    assert find_gpus("0, 1,GPU-8932f937,MIG-46b58ab2-21d5", {VISIBLE: "7"}, no_driver) == (
        "0", "1", "GPU-8932f937", "MIG-46b58ab2-21d5",
    )  # fmt: skip


@pytest.mark.parametrize("choice", ["", "0,", "all", "-1", "0;1", "0 1"])
def test_an_invalid_gpu_is_refused_by_name(choice: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a GPU: give auto, none, numbers"):
        find_gpus(choice, {}, no_driver)


def test_each_trial_gets_one_gpu_and_none_hides_them_all() -> None:
    assert assign_gpus(("0", "1", "3"), 2) == ("0", "1")
    assert assign_gpus(find_gpus("none", {}, no_driver), 2) == ("", "")


def test_more_trials_than_gpus_are_refused_with_a_list_that_works() -> None:
    with pytest.raises(ConfigurationError, match=r"there are 2: .* as in --gpus 0,0,1,1") as refusal:
        assign_gpus(("0", "1"), 3)

    offered = str(refusal.value).split("--gpus ")[1].rstrip(".")
    assert assign_gpus(find_gpus(offered, {}, no_driver), 3) == ("0", "0", "1")


def test_each_local_worker_gets_gpus_for_all_its_trials() -> None:
    assert gpus_of_workers("0,1,2,3", 2, {"HPSEARCH_WORKER_CONCURRENCY": "2"}) == ["0,1", "2,3"]
    assert gpus_of_workers(None, 2, {"HPSEARCH_WORKER_GPUS": "4,5"}) == ["4", "5"]
    assert gpus_of_workers("none", 2, {}) == ["none", "none"]
    assert gpus_of_workers(None, 2, {}) is None


def test_local_workers_do_not_share_a_gpu_by_accident() -> None:
    with pytest.raises(ConfigurationError, match="4 trials at a time"):
        gpus_of_workers("0,1,2", 2, {"HPSEARCH_WORKER_CONCURRENCY": "2"})

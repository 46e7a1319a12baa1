"""Training is reproducible, learns, and reports divergence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")

from convnet.images import Dataset, Images  # noqa: E402
from convnet.results import read_records  # noqa: E402
from convnet.settings import read_settings  # noqa: E402
from convnet.space import space  # noqa: E402
from convnet.training import Training, train  # noqa: E402
from convnet.trial import run_trial  # noqa: E402

from hpsearch import Pruned, Space  # noqa: E402
from hpsearch.core.trial import FailureKind, Report  # noqa: E402
from hpsearch.errors import SpaceError  # noqa: E402
from hpsearch.objective.checkpoint import (  # noqa: E402
    Checkpoint,
    LoadCheckpoint,
    Question,
    SaveCheckpoint,
)
from hpsearch.objective.current_trial import CurrentTrial  # noqa: E402
from hpsearch.objective.evaluation import evaluate  # noqa: E402
from tests.support.convnet import PLAIN  # noqa: E402


def stripes(n: int, seed: int, size: int = 8) -> Images:
    """Return noisy images of horizontal stripes (0) and of vertical ones (1)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    row = 120 * (np.arange(size) % 2)
    patterns = np.stack([np.broadcast_to(row[:, None], (size, size)), np.broadcast_to(row, (size, size))])
    pixels = patterns[labels][:, None] + rng.integers(0, 100, (n, 1, size, size))
    return Images(pixels=pixels.astype(np.uint8), labels=labels)


DATASET = Dataset(
    name="stripes", n_classes=2, train=stripes(49, 1), validation=stripes(40, 2), test=stripes(40, 3)
)


def trained(seed: int = 0, n_epochs: int = 3, dataset: Dataset = DATASET, **changed: Any) -> Training:
    config = {**PLAIN, "learning_rate_mult": 3.0, "dense_dropout": 0.2, **changed}
    return train(config, dataset, n_epochs=n_epochs, seed=seed, device="cpu", trial=CurrentTrial())


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_a_network_learns_what_is_easy_with_every_optimizer(optimizer: str) -> None:
    training = trained(n_epochs=6, optimizer=optimizer, dense_dropout=0.0)
    assert training.epochs[-1].accuracy > 0.9
    assert training.test_accuracy is not None
    assert training.test_accuracy > 0.9


def test_training_depends_only_on_the_seed_not_on_the_global_generator() -> None:
    torch.manual_seed(7)
    first = trained(seed=5)
    torch.rand(3)
    assert trained(seed=5) == first
    assert trained(seed=6) != first


def test_training_does_not_change_the_global_generator() -> None:
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    trained()
    assert torch.equal(torch.rand(3), wanted)


def test_every_epoch_is_reported_when_it_ends() -> None:
    reports: list[Report] = []
    trial = CurrentTrial(on_report=reports.append)
    training = train(PLAIN, DATASET, n_epochs=3, seed=0, device="cpu", trial=trial)
    assert reports == [
        Report(step=number, value=epoch.accuracy) for number, epoch in enumerate(training.epochs, 1)
    ]


def test_a_resumed_training_ends_as_if_it_had_not_been_interrupted() -> None:
    saved: list[SaveCheckpoint] = []

    def answer(question: Question, timeout_s: float | None) -> Any:
        if isinstance(question, SaveCheckpoint):
            saved.append(question)
        return True

    def resumed(question: Question, timeout_s: float | None) -> Any:
        first = saved[0]
        return Checkpoint(step=first.step, data=first.data) if isinstance(question, LoadCheckpoint) else True

    config = {**PLAIN, "dense_dropout": 0.2, "optimizer": "sgd", "batch_norm": True}
    trials = (CurrentTrial(on_question=answer), CurrentTrial(on_question=resumed))
    whole, rest = (train(config, DATASET, n_epochs=7, seed=3, device="cpu", trial=trial) for trial in trials)
    assert [question.step for question in saved] == [3, 6]
    assert whole == rest


def test_a_pruner_ends_a_training_after_the_epoch_that_it_judged() -> None:
    reports: list[Report] = []
    trial = CurrentTrial(
        has_pruner=True, on_report=reports.append, on_question=lambda *_: "bad" if len(reports) == 2 else None
    )
    with pytest.raises(Pruned):
        train(PLAIN, DATASET, n_epochs=5, seed=0, device="cpu", trial=trial)
    assert [report.step for report in reports] == [1, 2]


def test_the_test_images_are_measured_with_the_weights_of_the_best_epoch() -> None:
    """Where they are the validation images, both measurements agree, also if the last epoch was worse."""
    dataset = replace(DATASET, test=DATASET.validation)
    trainings = [
        trained(seed=seed, n_epochs=5, dataset=dataset, learning_rate_mult=30.0, optimizer="sgd")
        for seed in range(4)
    ]
    finished = [training for training in trainings if training.diverged_in is None]
    assert any(
        training.epochs[-1].accuracy < max(e.accuracy for e in training.epochs) for training in finished
    )
    for training in finished:
        assert training.test_accuracy == training.epochs[training.best_epoch - 1].accuracy


def test_a_last_batch_of_a_single_image_can_be_normalised() -> None:
    """49 images in batches of 16."""
    assert len(trained(batch_norm=True, n_stages=3, residual_blocks=1).epochs) == 3


def test_weight_decay_keeps_the_network_from_fitting() -> None:
    assert trained(l2_mult=1e5).epochs[-1].train_loss > trained(l2_mult=0.01).epochs[-1].train_loss


def test_training_stops_at_the_diverging_epoch() -> None:
    training = trained(optimizer="sgd", learning_rate_mult=1e12)
    assert training.diverged_in == len(training.epochs) + 1
    assert training.test_accuracy is None


def run(folder: Path, tid: int = 4, exp_key: str = "search", **changed: Any) -> dict[str, Any]:
    """Run a trial on the digits with one epoch; return what the objective returns."""
    settings = read_settings({"CONVNET_RESULTS": str(folder), "CONVNET_EPOCHS": "1"})
    return run_trial({**PLAIN, **changed}, CurrentTrial(exp_key=exp_key, tid=tid), settings)


def test_the_loss_is_one_minus_the_best_accuracy_and_the_file_has_the_result(tmp_path: Path) -> None:
    result = run(tmp_path, tid=4)
    assert result["loss"] == 1 - max(result["accuracies"])
    [record] = read_records(tmp_path)
    assert record.result == result
    assert (record.exp_key, record.tid, record.accuracy) == ("search", 4, result["accuracy"])
    assert Space(space).config(record.values) == PLAIN


def test_a_repeated_trial_gives_the_same_result(tmp_path: Path) -> None:
    first, again, other = run(tmp_path, tid=4), run(tmp_path, tid=4), run(tmp_path, tid=5)
    for result in (first, again, other):
        del result["train_s"]
    assert first == again != other


def test_a_trial_that_diverges_fails_with_a_message_and_has_a_file(tmp_path: Path) -> None:
    wild = {"optimizer": "sgd", "learning_rate_mult": 49.0, "activation": "elu"}
    failed = evaluate(lambda changed: run(tmp_path, **changed), lambda: wild, CurrentTrial())
    assert failed.loss is None
    assert failed.error is not None
    assert failed.error.kind is FailureKind.REPORTED
    assert failed.error.message == "The training diverged: its loss was not finite in epoch 1."
    [record] = read_records(tmp_path)
    assert record.accuracy is None
    assert record.params["learning_rate_mult"] == 49.0


def test_a_configuration_of_another_space_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="optimizer"):
        run(tmp_path, optimizer="lion")


def test_a_call_outside_a_search_writes_no_file(tmp_path: Path) -> None:
    run(tmp_path, tid=-1, exp_key="")
    assert list(tmp_path.iterdir()) == []

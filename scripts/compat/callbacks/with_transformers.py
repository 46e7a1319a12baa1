"""A small network under the Trainer of Transformers, in one process, and in two that leave together."""

import os
import subprocess
import sys
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments
from trial import STOP_AFTER, StoppedTrial

from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import under_evaluation


class _Points(Dataset[dict[str, torch.Tensor]]):
    def __init__(self) -> None:
        self.x = torch.randn(400, 5)
        self.labels = 2 * self.x[:, 0] + self.x[:, 1] ** 2

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
        return {"x": self.x[i], "labels": self.labels[i]}


class _Regression(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers = torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
        self.network = torch.nn.Sequential(*layers)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.network(x).squeeze(1)
        return {"loss": torch.nn.functional.mse_loss(found, labels), "logits": found}


torch.manual_seed(0)
with tempfile.TemporaryDirectory() as folder, under_evaluation(trial := StoppedTrial()):
    arguments = TrainingArguments(
        folder, num_train_epochs=50, eval_strategy="epoch", save_strategy="no", learning_rate=0.01,
        per_device_train_batch_size=25, report_to="none", use_cpu=True, disable_tqdm=True, log_level="error",
    )  # fmt: skip
    trainer = Trainer(
        _Regression(), arguments, train_dataset=_Points(), eval_dataset=_Points(),
        callbacks=[callbacks.transformers("eval_loss")],
    )  # fmt: skip
    trainer.train()
if trainer.state.is_world_process_zero:
    trial.check(round(trainer.state.epoch or 0))
else:
    assert (trial.reports, trainer.state.epoch) == ([], STOP_AFTER), (trial.reports, trainer.state.epoch)
if "RANK" not in os.environ:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", __file__]
    subprocess.run(torchrun, check=True)

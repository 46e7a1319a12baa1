"""A small network of Lightning, in one process, and in two that leave together."""

import logging
import os

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset
from trial import StoppedTrial

from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import under_evaluation

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class _Regression(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        layers = torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
        self.network = torch.nn.Sequential(*layers)

    def loss(self, batch: list[torch.Tensor]) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.network(batch[0]).squeeze(1), batch[1])

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        return self.loss(batch)

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        self.log("val_loss", self.loss(batch), sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.01)


def fit(strategy: str, devices: int) -> tuple[StoppedTrial, lightning.Trainer]:
    """Train until the trial should stop."""
    lightning.seed_everything(0, verbose=False)
    x = torch.randn(400, 5)
    data = TensorDataset(x, 2 * x[:, 0] + x[:, 1] ** 2)
    trainer = lightning.Trainer(
        max_epochs=50, accelerator="cpu", devices=devices, strategy=strategy, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=[callbacks.lightning("val_loss")],
    )  # fmt: skip
    with under_evaluation(trial := StoppedTrial()):
        trainer.fit(_Regression(), DataLoader(data, 50), DataLoader(data, 50))
    return trial, trainer


if "LOCAL_RANK" not in os.environ:  # Lightning starts this script again for its second process
    trial, trainer = fit("auto", 1)
    trial.check(trainer.current_epoch)
trial, trainer = fit("ddp", 2)
if trainer.is_global_zero:
    trial.check(trainer.current_epoch)
else:
    assert (trial.reports, trainer.current_epoch) == ([], 6), (trial.reports, trainer.current_epoch)

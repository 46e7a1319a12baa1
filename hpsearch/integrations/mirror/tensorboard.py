"""A search for TensorBoard: a folder of event files for each finished trial, with its hyperparameters."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hpsearch.core.experiment import Experiment
from hpsearch.errors import TargetUnavailableError
from hpsearch.integrations.mirror.trial_content import REPORT, TrialContent
from hpsearch.runtime.escaping import reason

_PREFIX, _UNFINISHED = "trial-", ".part"


class TensorBoardTarget:
    """A ``Target`` in a folder that TensorBoard reads.

    Parameters
    ----------
    search : Experiment
        The search.
    folder : Path
        The folder of TensorBoard's ``--logdir``; each search has one of its own in it.
    """

    def __init__(self, search: Experiment, folder: Path) -> None:
        import tensorboardX.summary

        self._folder = folder / search.exp_key
        self._writer, self._hparams = tensorboardX.SummaryWriter, tensorboardX.summary.hparams

    def known(self) -> set[int]:
        """Return the trials with a whole folder, and remove folders that were cut off."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for part in self._folder.glob(f"{_PREFIX}*{_UNFINISHED}"):
                shutil.rmtree(part)
            return {int(path.name.removeprefix(_PREFIX)) for path in self._folder.glob(f"{_PREFIX}*")}
        except OSError as error:
            raise self._unavailable(error) from error

    def write(self, content: TrialContent) -> None:
        """Add the folder of a trial; it appears under its name when it is whole."""
        trial = content.trial
        place = self._folder / f"{_PREFIX}{trial.tid:06d}"
        part = place.with_name(place.name + _UNFINISHED)
        ended = trial.finished_at.timestamp() if trial.finished_at else None
        try:
            with self._writer(str(part)) as writer:
                for step, value in content.curve:
                    writer.add_scalar(REPORT, value, round(step), walltime=ended)
                for name, value in content.metrics.items():
                    writer.add_scalar(name, value, trial.tid, walltime=ended)
                # SummaryWriter.add_hparams would make a run of its own below this one.
                for summary in self._hparams(_shown(content), dict(content.metrics)):
                    writer.file_writer.add_summary(summary, walltime=ended)
            part.rename(place)
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> TargetUnavailableError:
        return TargetUnavailableError(f"{self._folder} cannot be written: {reason(error)}.")


def _shown(content: TrialContent) -> dict[str, Any]:
    """Return the parameters and the state in types that the HParams page knows."""
    params = {
        label: value if isinstance(value, bool | int | float | str) else str(value)
        for label, value in content.params.items()
    }
    return {**params, "state": str(content.trial.state)}

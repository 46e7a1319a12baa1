"""Callbacks that report the progress of a training, and end it when its trial should stop.

Each function returns a callback for one library, which it imports only then. In an objective::

    model = xgboost.train(config, train, 500, evals=[(valid, "valid")], callbacks=[callbacks.xgboost()])
    if hpsearch.current_trial().should_stop():
        raise hpsearch.Pruned

Outside a search, the callbacks do nothing. They report values as the library measures them; for a metric that
is better when it is higher, start the search with ``--pruner-option maximize=true``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hpsearch.errors import ConfigurationError
from hpsearch.objective.current_trial import current_trial
from hpsearch.runtime.spelling import did_you_mean


def xgboost(metric: str | None = None, *, data: str | None = None) -> Any:
    """Return a callback for ``xgboost.train``, ``xgboost.cv`` and XGBoost's estimators.

    Parameters
    ----------
    metric : str, optional
        Name of the metric; by default the last one, as for early stopping.
    data : str, optional
        Name of the data set in ``evals``; by default the last one.
    """
    base: Any = _imported("xgboost.callback").TrainingCallback

    class Report(base):  # type: ignore[misc] # the library may be missing
        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
            metrics = _chosen(evals_log, data, "data set")
            value = _chosen(metrics, metric, "metric")[-1]
            is_mean = isinstance(value, tuple)  # under cross-validation, with the standard deviation
            is_over = _report(epoch + 1, value[0] if is_mean else value)
            if (
                is_over and is_mean
            ):  # as early stopping does; xgboost.cv expects it of any callback that ends it
                model.set_attr(best_iteration=str(epoch))
            return is_over

    return Report()


def lightgbm(metric: str | None = None, *, data: str | None = None) -> Callable[[Any], None]:
    """Return a callback for ``lightgbm.train``, ``lightgbm.cv`` and LightGBM's estimators.

    Parameters
    ----------
    metric : str, optional
        Name of the metric; by default the last one.
    data : str, optional
        Name of the data set in ``valid_sets``; by default the last one.
    """
    library = _imported("lightgbm.callback")

    def report(env: Any) -> None:
        results: dict[str, dict[str, float]] = {}
        for name, measured, value, *_ in env.evaluation_result_list or ():
            results.setdefault(name, {})[measured] = value
        value = _chosen(_chosen(results, data, "data set"), metric, "metric")
        if _report(env.iteration + 1, value):
            raise library.EarlyStopException(env.iteration, env.evaluation_result_list)

    report.order = 30  # type: ignore[attr-defined] # after the evaluation and early stopping
    return report


def catboost(metric: str | None = None, *, data: str | None = None) -> Any:
    """Return a callback for CatBoost's ``fit``.

    Parameters
    ----------
    metric : str, optional
        Name of the metric; by default the last one.
    data : str, optional
        Name of the data set, such as ``validation``; by default the last one.
    """

    class Report:
        def after_iteration(self, info: Any) -> bool:
            values = _chosen(_chosen(info.metrics, data, "data set"), metric, "metric")
            return not _report(info.iteration, values[-1])

    return Report()


def keras(metric: str = "val_loss") -> Any:
    """Return a callback for ``fit`` of Keras 3.

    Parameters
    ----------
    metric : str
        A name in the logs of an epoch.
    """
    base: Any = _imported("keras.callbacks").Callback

    class Report(base):  # type: ignore[misc] # the library may be missing
        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            if _report(epoch + 1, _chosen(logs or {}, metric, "metric")):
                self.model.stop_training = True

    return Report()


def lightning(metric: str = "val_loss") -> Any:
    """Return a callback for the ``Trainer`` of Lightning, also under its older name ``pytorch_lightning``.

    It reports once an epoch, after the validation, from the first process; all processes leave together.

    Parameters
    ----------
    metric : str
        A name that the module logs.
    """
    is_older = "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules
    base: Any = _imported("pytorch_lightning" if is_older else "lightning.pytorch").Callback

    class Report(base):  # type: ignore[misc] # the library may be missing
        has_validated = False

        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            self.has_validated = not trainer.sanity_checking

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            is_fresh, self.has_validated = self.has_validated or not trainer.enable_validation, False
            if not is_fresh:  # an epoch without a validation
                return
            value = _chosen(trainer.callback_metrics, metric, "metric")
            is_over = trainer.is_global_zero and _report(trainer.current_epoch + 1, value)
            if trainer.strategy.broadcast(is_over):
                trainer.should_stop = True

    return Report()


def transformers(metric: str = "eval_loss") -> Any:
    """Return a callback for the ``Trainer`` of Hugging Face Transformers.

    It reports each evaluation at its epoch, which may be fractional, from the first process; all processes
    leave together.

    Parameters
    ----------
    metric : str
        A name in the metrics of an evaluation.
    """
    base: Any = _imported("transformers").TrainerCallback

    class Report(base):  # type: ignore[misc] # the library may be missing
        def on_evaluate(
            self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any] | None = None, **_: Any
        ) -> None:
            value = _chosen(metrics or {}, metric, "metric")
            is_over = state.is_world_process_zero and _report(state.epoch, value)
            if _agreed(is_over):
                control.should_training_stop = True

    return Report()


def _agreed(is_over: bool) -> bool:
    """Return what the first of PyTorch's processes says, in all of them."""
    distributed = _imported("torch.distributed")
    if not (distributed.is_available() and distributed.is_initialized()):
        return is_over
    answer = [is_over]
    distributed.broadcast_object_list(answer, src=0)
    return answer[0]


def _report(step: float, value: Any) -> bool:
    """Report a value of the current trial; return whether it should stop."""
    trial = current_trial()
    trial.report(step, float(value))
    return trial.should_stop()


def _chosen(found: Mapping[str, Any], name: str | None, what: str) -> Any:
    """Return the entry of a name, or the last one.

    Raises
    ------
    ConfigurationError
        If there is none; the text lists the names.
    """
    names = list(found)
    wanted = names[-1] if name is None and names else name
    if wanted is None or wanted not in found:
        hint = "" if name is None else did_you_mean(name, names)
        which = "" if name is None else f" {name!r}"
        raise ConfigurationError(
            f"The training measured no {what}{which}{hint}; there are: {', '.join(names) or 'none'}."
        )
    return found[wanted]


def _imported(module: str) -> Any:
    """Import a module of a library.

    Raises
    ------
    ConfigurationError
        If the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        raise ConfigurationError(f"This callback needs {library}: install it.") from error

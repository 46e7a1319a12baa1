"""``Domain``: an objective and its space."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np

from hpsearch.core.experiment import NO_PRUNER
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.history import History
from hpsearch.core.outcomes import Outcomes, outcomes_from
from hpsearch.errors import DuplicateLabelError, SpaceError
from hpsearch.hyperopt.engine.ctrl import Ctrl
from hpsearch.hyperopt.engine.documents import DOMAIN_CMD, STATUS_NEW, STATUS_STRINGS, Doc
from hpsearch.hyperopt.engine.history_reader import HistoryReader
from hpsearch.hyperopt.engine.outcomes import declared_result
from hpsearch.hyperopt.engine.points import raw_point
from hpsearch.hyperopt.engine.pruning import LocalPruning
from hpsearch.hyperopt.exceptions import BadSearchSpace, DuplicateLabel, InvalidLoss, InvalidResultStatus
from hpsearch.hyperopt.pyll.evaluation import GarbageCollected, config_at, rec_eval
from hpsearch.hyperopt.pyll.graph import Apply, Literal, apply, as_apply, dfs, parameters_of
from hpsearch.hyperopt.pyll.stochastic import recursive_set_rng_kwarg
from hpsearch.hyperopt.vectorize import VectorizeHelper
from hpsearch.objective.evaluation import STATUS_OK
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.objectives.digest import Digest
from hpsearch.suggest.protocol import Suggester


class Domain:
    """An objective and the space that it is minimised over.

    Parameters
    ----------
    fn : callable or None
        The objective; None if only suggestions are needed.
    expr : any
        The space.
    workdir : any
        Stored in new documents.
    pass_expr_memo_ctrl : bool, optional
        Whether ``fn`` takes ``expr``, ``memo`` and ``ctrl`` instead of a configuration; by default, whether
        ``fmin_pass_expr_memo_ctrl`` marked it.
    name, loss_target : any
        Stored for libraries, not used.

    Attributes
    ----------
    space : Space
        The space as our suggesters use it.
    expr : Apply
        The space as a graph.
    params : dict of Apply
        The distribution of each parameter by label.
    believe : tuple of str
        What the user believes about the best point; see ``fmin``. Algorithms of hpsearch follow it.
    pruner : Pruner
        Which trials are stopped early.
    pruning : LocalPruning or None
        What this process has learned from reports, if it evaluates with a pruner.
    goal : Goal
        The number of the result that is minimised or maximised.
    outcomes : Outcomes or None
        Several objectives, or limits; see ``fmin``.
    s_new_ids, s_rng : Literal
        Placeholders in ``s_idxs_vals`` for the numbers of new trials and for a generator.

    Raises
    ------
    BadSearchSpace
        If the space is invalid; ``DuplicateLabel`` if two parameters share a label.
    """

    rec_eval_print_node_on_error = False
    goal: Goal = LOSS
    declared: Mapping[str, Any] | None = None  #: what ``declare`` was called with, if it has outcomes
    outcomes: Outcomes | None = None

    def __init__(
        self,
        fn: Callable[..., Any] | None,
        expr: Any,
        workdir: Any = None,
        pass_expr_memo_ctrl: bool | None = None,
        name: str | None = None,
        loss_target: float | None = None,
    ) -> None:
        self.fn = fn
        is_marked = bool(getattr(fn, "fmin_pass_expr_memo_ctrl", False))
        self.pass_expr_memo_ctrl = is_marked if pass_expr_memo_ctrl is None else pass_expr_memo_ctrl
        self.expr = as_apply(expr)
        self.space = _space(self.expr)
        drawn = {label: node.arg["obj"] for label, node in parameters_of(self.expr)}
        self.params: dict[str, Apply] = {label: drawn[label] for label in self.space.nodes}
        self.s_new_ids = Literal("new_ids")
        self.s_rng = Literal("rng")
        self.workdir, self.name, self.loss_target = workdir, name, loss_target
        self.cmd = DOMAIN_CMD
        self.believe: tuple[str, ...] = ()
        self.pruner = NO_PRUNER
        self.pruning: LocalPruning | None = None
        self._wants_ctrl = any(isinstance(node, Literal) and node.obj is Ctrl for node in dfs(self.expr))
        self._history = HistoryReader(self.space, self.outcomes)
        self._observed: Any = None
        self._suggesters: dict[Any, Suggester] = {}
        self.digest = Digest()

    @functools.cached_property
    def vh(self) -> VectorizeHelper:
        """The graph of the space, vectorized over trials."""
        return VectorizeHelper(self.expr, self.s_new_ids)

    @functools.cached_property
    def s_idxs_vals(self) -> Apply:
        """The graph that draws points: the numbers of trials by label, and the values by label.

        Algorithms evaluate it with ``rec_eval`` and a memo from ``s_new_ids`` to the numbers of the new
        trials, and from ``s_rng`` to a generator.
        """
        drawn = apply("pos_args", self.vh.idxs_by_label(), self.vh.vals_by_label())
        return recursive_set_rng_kwarg(drawn, self.s_rng)

    def declare(self, objectives: Mapping[str, str] | None, limits: Mapping[str, str] | None) -> None:
        """Set the objectives and limits of the search.

        Parameters
        ----------
        objectives, limits
            See ``fmin``.

        Raises
        ------
        ConfigurationError
            If one cannot be read.
        """
        self.goal, self.outcomes = outcomes_from(objectives, limits)
        self.declared = None
        if self.outcomes is not None:
            self.declared = {"objectives": dict(objectives or {}), "limits": dict(limits or {})}

    @property
    def needs_ctrl(self) -> bool:
        """Whether the objective receives a ``Ctrl``."""
        return self.pass_expr_memo_ctrl or self._wants_ctrl

    def observed(self, trials: Any) -> tuple[History, list[Values]]:
        """Return the history of the final trials, and the points of the open ones."""
        if trials is not self._observed:
            self._history, self._observed = HistoryReader(self.space, self.outcomes), trials
        history, pending = self._history.read(trials.trials)
        return history if self.pruning is None else history.with_predicted(self.pruning.forecasts), pending

    @property
    def beliefs(self) -> Beliefs | None:
        """What the user believes about the best point; raises as ``Beliefs`` does."""
        return Beliefs(self.believe, self.space) if self.believe else None

    def suggester(
        self, make: Callable[[Space, Any, Beliefs | None], Suggester], options: Hashable
    ) -> Suggester:
        """Return a suggester, the same one for equal arguments, so that it can cache.

        Parameters
        ----------
        make : callable
            ``make(space, options, beliefs)`` returns a new suggester.
        options : hashable
            Its options.
        """
        key = (make, options)
        if key not in self._suggesters:
            self._suggesters[key] = make(self.space, options, self.beliefs)
        return self._suggesters[key]

    def memo_from_config(self, config: Mapping[str, Any]) -> dict[Apply, Any]:
        """Return the memo of raw values, given by label, for ``rec_eval(domain.expr, memo=...)``."""
        return {node: config.get(label, GarbageCollected) for label, node in parameters_of(self.expr)}

    def evaluate(self, config: Mapping[str, Any], ctrl: Ctrl, attach_attachments: bool = True) -> Doc:
        """Call the objective at a point, and return its result as a dict.

        Parameters
        ----------
        config : mapping
            Raw values by label.
        ctrl : Ctrl
            Receives the attachments.
        attach_attachments : bool
            Whether to move ``result["attachments"]`` to ``ctrl.attachments``.

        Raises
        ------
        TypeError, KeyError, InvalidResultStatus, InvalidLoss, InvalidOutcome
            If it returns neither a number nor a dict with a status and, if that is "ok", a loss.
        """
        return self.evaluate_async2(self.evaluate_async(config, ctrl), ctrl, attach_attachments)

    def evaluate_async(self, config: Mapping[str, Any], ctrl: Ctrl, attach_attachments: bool = True) -> Any:
        """Call the objective at a point, and return its raw result; the first half of ``evaluate``.

        Parameters
        ----------
        config, ctrl, attach_attachments
            See ``evaluate``.

        Raises
        ------
        TypeError
            If there is no objective.
        """
        if self.fn is None:
            raise TypeError("This Domain was made without an objective, so it cannot evaluate anything.")
        values = raw_point(self.space, config)
        if self.pass_expr_memo_ctrl:
            return self.fn(expr=self.expr, memo=self._memo(values, ctrl), ctrl=ctrl)
        if self._wants_ctrl:
            return self.fn(rec_eval(self.expr, memo=self._memo(values, ctrl)))
        return self.fn(config_at(self.expr, values))

    def evaluate_async2(self, rval: Any, ctrl: Ctrl, attach_attachments: bool = True) -> Doc:
        """Convert the raw result of the objective to a dict; the second half of ``evaluate``.

        Parameters
        ----------
        rval : any
            What the objective returned.
        ctrl, attach_attachments
            See ``evaluate``.
        """
        is_declared = self.outcomes is not None or not self.goal.is_loss
        result = declared_result(rval, self.goal, self.outcomes) if is_declared else result_of(rval)
        attachments = result.pop("attachments", {}) if attach_attachments else {}
        for name, blob in attachments.items():
            ctrl.attachments[name] = blob
        return result

    def new_result(self) -> Doc:
        """Return the result of a new trial."""
        return {"status": STATUS_NEW}

    def loss(self, result: Doc, config: Any = None) -> Any:
        """Return the loss of a result, None if it has none.

        Parameters
        ----------
        result : dict
            The result.
        config : any
            Ignored here and below, for subclasses.
        """
        return result.get("loss")

    def loss_variance(self, result: Doc, config: Any = None) -> Any:
        """Return the variance of the loss of a result, 0 by default.

        Parameters
        ----------
        result, config
            See ``loss``.
        """
        return result.get("loss_variance", 0.0)

    def true_loss(self, result: Doc, config: Any = None) -> Any:
        """Return the true loss of a result, the loss by default.

        Parameters
        ----------
        result, config
            See ``loss``.
        """
        return result.get("true_loss", self.loss(result, config))

    def true_loss_variance(self, config: Any = None) -> Any:
        """Raise ``NotImplementedError``."""
        raise NotImplementedError("A Domain does not know the variance of the true loss.")

    def status(self, result: Doc, config: Any = None) -> Any:
        """Return the status of a result.

        Parameters
        ----------
        result, config
            See ``loss``.
        """
        return result["status"]

    def short_str(self) -> str:
        """Return a short description."""
        return f"Domain{{{self.fn}}}"

    def _memo(self, values: Mapping[str, Any], ctrl: Ctrl) -> dict[Any, Any]:
        return use_obj_for_literal_in_memo(self.expr, ctrl, Ctrl, self.memo_from_config(values))


def use_obj_for_literal_in_memo(expr: Any, obj: Any, lit: Any, memo: dict[Any, Any]) -> dict[Any, Any]:
    """Add an object to a ``memo`` for ``rec_eval``, as the value of each node with some literal.

    Parameters
    ----------
    expr : any
        A graph.
    obj : any
        The object to use.
    lit : any
        The literal to replace.
    memo : dict
        Grows, and is returned.
    """
    for node in dfs(as_apply(expr)):
        if isinstance(node, Literal) and (node.obj is lit or _is_equal(node.obj, lit)):
            memo[node] = obj
    return memo


def result_of(returned: Any) -> Doc:
    """Convert what an objective returned to a new dict with a valid status, and a loss if that is "ok".

    Raises
    ------
    TypeError, KeyError, InvalidResultStatus, InvalidLoss
        With what it returned, and what it must return.
    """
    is_number = type(returned) is float or isinstance(returned, numbers.Real | np.bool_)
    if is_number or (isinstance(returned, np.ndarray) and not returned.ndim):
        return {"loss": float(returned), "status": STATUS_OK}
    try:
        result = dict(returned)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"The objective returned {returned!r:.80} ({type(returned).__name__}); "
            f"it must return a number, or a dict such as {{'loss': <a number>, 'status': 'ok'}}."
        ) from error
    if "status" not in result:
        raise KeyError(
            f"status: the objective returned a dict with the keys {sorted(map(str, result))}; "
            f"it must have 'status', such as 'ok' or 'fail'."
        )
    if result["status"] not in STATUS_STRINGS:
        raise InvalidResultStatus(result)
    if result["status"] == STATUS_OK:
        try:
            result["loss"] = float(result["loss"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidLoss(result) from error
    return result


def _is_equal(one: Any, other: Any) -> bool:
    """Whether two values are equal; False for arrays."""
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def _space(expr: Apply) -> Space:
    """Return the space of a graph; raises Hyperopt's exceptions."""
    try:
        return Space(expr)
    except DuplicateLabelError as error:
        raise DuplicateLabel(str(error)) from error
    except SpaceError as error:
        raise BadSearchSpace(str(error)) from error

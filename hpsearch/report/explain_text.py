"""A search explained in half a page of plain sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.coordination.progress import Progress
from hpsearch.core.goal import Goal
from hpsearch.core.trial import State
from hpsearch.report.front_text import closest_text, front_text
from hpsearch.report.importance_text import best_text
from hpsearch.report.numbers.best_values import OptionResult
from hpsearch.report.numbers.ceiling import Ceiling
from hpsearch.report.numbers.early_ranks import EarlyRank
from hpsearch.report.numbers.importance import Importance, ParameterImportance
from hpsearch.report.numbers.statistics import Statistics
from hpsearch.report.text import count_text, duration_text, number, params_text
from hpsearch.report.worth_text import worth_text

#: Parameters, options and failures that are named at most.
_MAX_PARAMETERS, _MAX_OPTIONS, _MAX_FAILURES = 5, 4, 3
#: Parameters with a smaller share do not matter.
_MIN_SHARE = 0.05
#: Share of all failures from which a host is named.
_HOST_SHARE = 0.5
#: Steps with a correlation below which nothing is said, and the share of the last step that is early.
_MIN_RANKS, _EARLY = 3, 1 / 3
#: Correlations of early values that are called poor, and good.
_POOR_RANK, _GOOD_RANK = 0.3, 0.7

#: The schema of the JSON document.
SCHEMA = "hpsearch.explain/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is known about a search."""

    progress: Progress
    importance: Importance
    failure_importance: Importance
    options: Sequence[OptionResult]
    statistics: Statistics
    ceiling: Ceiling | None
    early_ranks: Sequence[EarlyRank] = ()
    importances: Sequence[Importance] = ()  #: one for each of several objectives; the others are of the first


def explain_sentences(found: Explanation) -> list[tuple[str, str]]:
    """Return a topic and its sentences, in the order in which to read them.

    Parameters
    ----------
    found : Explanation
        What is known.
    """
    if found.importances:
        return _sentences_of_several(found)
    topics = {
        "result": _result(found.progress),
        "worth": _worth(found),
        "parameters": _parameters(found.importance, found.progress.experiment.goal),
        "best values": _best_values(found.importance),
        "options": _options(found.options, found.progress.experiment.goal),
        "failures": _failures(found),
        "stopping": _stopping(found),
        "time": _time(found.statistics),
    }
    texts = {topic: " ".join(sentences) for topic, sentences in topics.items()}
    return [(topic, text) for topic, text in texts.items() if text]


def _sentences_of_several(found: Explanation) -> list[tuple[str, str]]:
    """Return the topics of a search with several objectives."""
    outcomes = found.progress.experiment.outcomes
    assert outcomes is not None
    parameters = [
        sentence
        for objective, one in zip(outcomes.objectives, found.importances, strict=True)
        for sentence in _parameters(one, objective.goal)
    ]
    topics = {
        "result": _result(found.progress),
        "parameters": iter(parameters),
        "failures": _failures(found),
        "time": _time(found.statistics),
    }
    texts = {topic: " ".join(dict.fromkeys(sentences)) for topic, sentences in topics.items()}
    return [(topic, text) for topic, text in texts.items() if text]


def explain_document(found: Explanation) -> dict[str, Any]:
    """Return all numbers with all digits, as a document for JSON; programs rely on the keys."""
    progress = found.progress
    statistics = asdict(found.statistics)
    return {
        "schema": SCHEMA,
        "exp_key": progress.experiment.exp_key,
        "sentences": [text for _, text in explain_sentences(found)],
        "best_loss": progress.best.loss if progress.best else None,
        "metric": progress.experiment.goal.name,
        "maximize": progress.experiment.goal.maximize,
        "best_tid": progress.best.tid if progress.best else None,
        "forecast": None if progress.forecast is None else asdict(progress.forecast),
        "ceiling": None if found.ceiling is None else asdict(found.ceiling),
        "importance": asdict(found.importance),
        "failure_importance": asdict(found.failure_importance),
        "options": [asdict(option) for option in found.options],
        **({"importances": [asdict(one) for one in found.importances]} if found.importances else {}),
        "early_ranks": [asdict(rank) for rank in found.early_ranks],
        "statistics": statistics,
    }


def _result(progress: Progress) -> Iterator[str]:
    failed, best = progress.counts[State.FAILED], progress.best
    finished = count_text(progress.n_finished, "trial")
    yield f"{progress.experiment.exp_key} has finished {finished}, of which {failed:,} failed."
    closest = closest_text(progress)
    if progress.front is not None and progress.front.trials:
        yield f"The front: {front_text(progress.front)}."
        return
    if best is None or best.loss is None:
        yield "No trial has a loss." if closest is None else f"{closest[:1].upper()}{closest[1:]}."
        return
    params = f" with {params_text(best.params)}" if best.params else ""
    goal = progress.experiment.goal
    yield f"The best {goal.name} is {number(goal.value(best.loss))}, in trial {best.tid}{params}."


def _worth(found: Explanation) -> Iterator[str]:
    if found.progress.forecast is None:
        return
    name = found.progress.experiment.goal.name
    text = worth_text(found.progress.forecast, found.progress.per_minute, name)
    yield f"{text[:1].upper()}{text[1:]}."
    if found.ceiling is not None:
        high = number(found.ceiling.high)
        yield f"By a model of the losses, at most about {high} is left to gain in the whole space."


def _parameters(importance: Importance, goal: Goal) -> Iterator[str]:
    if not importance.parameters:
        if importance.note:
            yield importance.note
        return
    matter = [p for p in importance.parameters if p.share >= _MIN_SHARE][:_MAX_PARAMETERS]
    yield f"What matters for the {goal.name}: {', '.join(map(_share_text, matter))}."
    rest = [p.label for p in importance.parameters if p.share < _MIN_SHARE]
    if rest:
        shown = ", ".join(rest[:_MAX_PARAMETERS])
        more = f" and {len(rest) - _MAX_PARAMETERS} more" if len(rest) > _MAX_PARAMETERS else ""
        yield f"Hardly: {shown}{more}."
    couples = dict.fromkeys(
        tuple(sorted((p.label, other))) for p in importance.parameters for other in p.interacts_with
    )
    for one, other in couples:
        yield f"{one} and {other} act together."
    if importance.note:
        yield importance.note


def _share_text(parameter: ParameterImportance) -> str:
    where = f", only where {parameter.branch}" if parameter.branch else ""
    return f"{parameter.label} ({parameter.share:.0%}{where})"


def _best_values(importance: Importance) -> Iterator[str]:
    matter = [p for p in importance.parameters if p.share >= _MIN_SHARE and p.best is not None]
    if matter:
        texts = [f"{p.label} {best_text(p.best)}" for p in matter[:_MAX_PARAMETERS] if p.best]
        yield f"The best tenth of the trials have {', '.join(texts)}."


def _options(options: Sequence[OptionResult], goal: Goal) -> Iterator[str]:
    by_label: dict[str, list[OptionResult]] = defaultdict(list)
    for option in options:
        by_label[option.label].append(option)
    for label, results in by_label.items():
        texts = [_option_text(result, goal) for result in results[:_MAX_OPTIONS]]
        more = f" and {len(results) - _MAX_OPTIONS} more" if len(results) > _MAX_OPTIONS else ""
        yield f"Best {goal.name} by {label}: {', '.join(texts)}{more}."


def _option_text(result: OptionResult, goal: Goal) -> str:
    trials = count_text(result.n, "trial")
    if result.n == 0:
        return f"{result.option} not tried"
    if result.best is None:
        return f"{result.option} none ({trials}, all failed)"
    return f"{result.option} {number(goal.value(result.best))} ({trials})"


def _failures(found: Explanation) -> Iterator[str]:
    statistics = found.statistics
    if not statistics.n_failed:
        return
    by_reason: dict[str, int] = defaultdict(int)
    by_host: dict[str, int] = defaultdict(int)
    for failure in statistics.failures:
        by_reason[failure.reason] += failure.n
        if failure.host is not None:
            by_host[failure.host] += failure.n
    reasons = sorted(by_reason.items(), key=lambda item: -item[1])
    texts = [f"{n} x {reason}" for reason, n in reasons[:_MAX_FAILURES]]
    yield f"{count_text(statistics.n_failed, 'trial')} failed: {', '.join(texts)}."
    host, n = max(by_host.items(), key=lambda item: item[1], default=("", 0))
    if len(statistics.hosts) > 1 and n > _HOST_SHARE * statistics.n_failed:
        yield f"{'All' if n == statistics.n_failed else n} of them were on {host}."
    matter = [p for p in found.failure_importance.parameters if p.share >= _MIN_SHARE]
    if matter:
        yield f"Which trials fail depends on {', '.join(map(_share_text, matter[:_MAX_FAILURES]))}."


def _stopping(found: Explanation) -> Iterator[str]:
    if found.statistics.n_pruned:
        yield f"{count_text(found.statistics.n_pruned, 'trial')} were stopped early."
    ranks = found.early_ranks
    if len(ranks) < _MIN_RANKS:
        return
    early = [rank for rank in ranks if rank.step <= ranks[-1].step * _EARLY] or ranks[:1]
    texts = [f"{rank.correlation:.2f} at step {number(rank.step)}" for rank in (*early[-3:], ranks[-1])]
    yield f"Reported values rank full trials like their losses with a correlation of {', '.join(texts)}."
    if early[-1].correlation < _POOR_RANK:
        yield "Early values say little about the end here: a pruner that ranks them would stop good trials."
    elif early[-1].correlation > _GOOD_RANK and not found.statistics.n_pruned:
        yield "Early values say much about the end here: --pruner auto may save time."


def _time(statistics: Statistics) -> Iterator[str]:
    durations = statistics.durations
    if durations is None or not durations.total > 0:
        return
    median, long = duration_text(durations.median), duration_text(durations.long)
    rest = f"; one in ten takes longer than {long}" if long != median else ""
    yield f"A trial takes {median}{rest}."
    if statistics.n_retried:
        yield f"{count_text(statistics.n_retried, 'trial')} needed more than one attempt."

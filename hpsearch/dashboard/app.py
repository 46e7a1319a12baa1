"""The application: which address is answered by what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from hpsearch.core.experiment import ExperimentState
from hpsearch.dashboard import assets
from hpsearch.dashboard.access import Access, Guard
from hpsearch.dashboard.actions import Actions
from hpsearch.dashboard.changes import ALL, Changes, Message
from hpsearch.dashboard.figures import Figures
from hpsearch.dashboard.pages import Pages
from hpsearch.dashboard.searches import Searches
from hpsearch.errors import HpsearchError, NotFoundError, StoreUnavailableError
from hpsearch.runtime.escaping import without_credentials
from hpsearch.store.protocol import TrialStore

#: Seconds after which an idle stream sends a comment, so that proxies keep it open.
_PING_S = 15.0
#: Seconds after which a page of a running search reads its times again.
_CLOCK_S = 30


class Dashboard:
    """The pages of one store.

    Parameters
    ----------
    store : TrialStore
        What they show.
    access : Access
        Who may see them.
    is_writable : bool
        Whether they have buttons that change a search.
    """

    def __init__(self, store: TrialStore, access: Access, *, is_writable: bool = False) -> None:
        self._store = store
        self._searches = Searches(store, self._tell)
        figures = Figures(self._searches)
        self._pages = Pages(self._searches, figures, access, is_writable=is_writable)
        self._seen: dict[str, object] = {}  # what a page last showed besides trials, by topic
        self.changes = Changes(store, self._refresh)
        pages = self._pages
        routes = [
            Route("/", pages.searches_page),
            Route("/compare", pages.compare_page),
            Route("/events", self._events),
            Route("/static/{name}", assets.answer),
            Route("/compare/figure/{kind}", figures.answer),
            Route("/search/{key}", pages.search_page),
            Route("/search/{key}/figure/{kind}", figures.answer),
            Route("/search/{key}/numbers/{kind}", pages.numbers_page),
            Route("/search/{key}/events", self._events),
            Route("/search/{key}/trial/{tid}", pages.trial_page),
            Route("/search/{key}/trial/{tid}/attachment", pages.attachment),
        ]
        if is_writable:
            act = Actions(store, access).answer
            routes += [
                Route("/search/{key}", act, methods=["POST"]),
                Route("/search/{key}/trial/{tid}", act, methods=["POST"]),
            ]
        self.app = Starlette(
            routes=routes,
            middleware=[Middleware(Guard, access=access)],
            exception_handlers={
                NotFoundError: self._answer(404, "Not found"),
                StoreUnavailableError: self._answer(503, "MongoDB cannot be reached", retries=True),
                HpsearchError: self._answer(500, "This page cannot be shown"),
                HTTPException: self._http_error,
            },
        )

    def close(self) -> None:
        """End all streams."""
        self.changes.close()

    def _tell(self, exp_key: str) -> None:
        self.changes.tell(exp_key)

    def _refresh(self, topic: str) -> bool:
        """Read what is new of a search, or of the list; return whether a page shows anything else now."""
        seen = self._all_searches() if topic == ALL else self._workers_of(topic)
        has_changed = self._seen.get(topic) != seen
        self._seen[topic] = seen
        search = None if topic == ALL else self._searches.loaded(topic)
        return (search is not None and search.refresh()) or has_changed

    def _all_searches(self) -> object:
        active = {ExperimentState.RUNNING, ExperimentState.PAUSED}
        found = self._store.experiments(omit_space=True)
        keys = [experiment.exp_key for experiment in found if experiment.state in active]
        counts = {key: tuple(summary.counts.values()) for key, summary in self._store.summaries(keys).items()}
        return [(experiment.exp_key, experiment.state) for experiment in found], counts

    def _workers_of(self, exp_key: str) -> object:
        experiment, now = self._store.experiment(exp_key), self._store.now()
        is_advancing = experiment.state is ExperimentState.RUNNING and experiment.is_led(now)
        minute = int(now.timestamp() // _CLOCK_S) if is_advancing else None
        serving = (worker for worker in self._store.workers() if worker.serves(exp_key))
        return minute, [(w.name, w.state, w.n_done, w.n_failed) for w in serving]

    async def _events(self, request: Request) -> Response:
        topic = request.path_params.get("key", ALL)
        headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
        return StreamingResponse(self._stream(topic), media_type="text/event-stream", headers=headers)

    async def _stream(self, topic: str) -> AsyncIterator[str]:
        """Yield the events of a page until this server ends."""
        with self.changes.listening(topic) as listener:
            mode = "live" if self._store.sees_changes else "polling"
            yield f"retry: 2000\nevent: mode\ndata: {mode}\n\n"
            while not self.changes.is_closed:
                message = await listener.next(_PING_S)
                if message is Message.CLOSED:
                    return
                yield ": ping\n\n" if message is None else f"event: {message}\ndata: 1\n\n"

    def _answer(self, status: int, title: str, *, retries: bool = False) -> Callable[..., Response]:
        """Return the handler of an error."""

        def answer(request: Request, error: Any) -> Response:
            text = without_credentials(str(error))
            return self._pages.message(request, status, title, text, retries=retries)

        return answer

    def _http_error(self, request: Request, error: Any) -> Response:
        return self._pages.message(request, error.status_code, str(error.detail), "")

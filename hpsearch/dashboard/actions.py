"""What buttons of a page do to a search; every use is recorded with the search."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hpsearch.coordination.control import change_state, retry_trial
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.dashboard.access import Access
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: Start of the names of the attachments that record what was done.
RECORDS = "hpsearch.action/"
#: Bytes of a form, and characters of a text in it.
_MAX_FORM, _MAX_TEXT = 16_384, 2_000


class Actions:
    """Answers the forms of pages.

    Parameters
    ----------
    store : TrialStore
        What they change.
    access : Access
        Signs the forms.
    """

    def __init__(self, store: TrialStore, access: Access) -> None:
        self._store = store
        self._access = access
        self._of_search: Mapping[str, Callable[[Experiment, str], None]] = {
            "pause": lambda experiment, _: self._change_state(experiment, ExperimentState.PAUSED),
            "resume": lambda experiment, _: self._change_state(experiment, ExperimentState.RUNNING),
            "stop": lambda experiment, _: self._change_state(experiment, ExperimentState.STOPPED),
            "note": lambda experiment, text: store.annotate(experiment.exp_key, note=text),
        }
        self._of_trial: Mapping[str, Callable[[Experiment, Trial, str], object]] = {
            "retry": self._retry,
            "invalidate": self._invalidate,
            "restore": lambda experiment, trial, _: store.mark_invalid(experiment.exp_key, [trial.tid], None),
            "cancel": self._cancel,
            "note": lambda experiment, trial, text: store.annotate(experiment.exp_key, trial.tid, note=text),
        }

    async def answer(self, request: Request) -> Response:
        """Do what a form asks for, and lead back to its page."""
        form = await self._form(request)
        return await run_in_threadpool(self._act, request, form)

    async def _form(self, request: Request) -> dict[str, str]:
        """Return the fields of a form that a page of this server sent.

        Raises
        ------
        HTTPException
            If another site may have sent it, or it is too long.
        """
        headers = request.headers
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "same-origin") != "same-origin" or (
            origin is not None and urlsplit(origin).netloc != headers.get("host")
        ):
            raise HTTPException(403, "This form is from another site.")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MAX_FORM:
                raise HTTPException(413, "This form is too long.")
        fields = parse_qs(body.decode("utf-8", "replace"))
        form = {name: values[0] for name, values in fields.items()}
        if not self._access.is_form_token(form.get("form_token")):
            raise HTTPException(403, "This form is from another page; open the page again.")
        return form

    def _act(self, request: Request, form: Mapping[str, str]) -> Response:
        experiment = self._store.experiment(request.path_params["key"])
        action, text = form.get("action", ""), form.get("text", "").strip()[:_MAX_TEXT]
        tid = request.path_params.get("tid")
        path = f"{request.scope.get('root_path', '')}/search/{quote(experiment.exp_key, safe='')}"
        if tid is None:
            if action not in self._of_search:
                raise HTTPException(400, "There is no such action.")
            self._record(request, experiment, action, None, text)
            self._of_search[action](experiment, text)
            return RedirectResponse(path, status_code=303)
        if action not in self._of_trial or not tid.isdecimal() or len(tid) > 18:
            raise HTTPException(400, "There is no such action.")
        trial = self._store.trial(experiment.exp_key, int(tid))
        self._record(request, experiment, action, trial.tid, text)
        self._of_trial[action](experiment, trial, text)
        return RedirectResponse(f"{path}/trial/{trial.tid}", status_code=303)

    def _record(
        self, request: Request, experiment: Experiment, action: str, tid: int | None, text: str
    ) -> None:
        """Store what is about to be done, as an attachment of the search, and from where."""
        at = self._store.now().isoformat()
        done: dict[str, Any] = {
            "at": at,
            "action": action,
            "tid": tid,
            "text": text,
            "from": request.client.host if request.client else None,
        }
        name = f"{RECORDS}{at} {action}{'' if tid is None else f' {tid}'} {secrets.token_hex(2)}"
        self._store.attach(experiment.exp_key, name, json.dumps(done).encode())

    def _change_state(self, experiment: Experiment, state: ExperimentState) -> None:
        if change_state(self._store, experiment, state) is None:
            raise HTTPException(
                409, f"{experiment.exp_key} has ended; the command that began it continues it."
            )

    def _retry(self, experiment: Experiment, trial: Trial, text: str) -> None:
        if trial.state is not State.FAILED or trial.invalid is not None:
            raise HTTPException(409, f"Trial {trial.tid} has not failed, or is invalid already.")
        retry_trial(self._store, experiment, Space.from_json(experiment.space), trial)

    def _invalidate(self, experiment: Experiment, trial: Trial, text: str) -> None:
        if trial.state not in FINISHED:
            raise HTTPException(409, f"Trial {trial.tid} is {trial.state} and has no result.")
        self._store.mark_invalid(experiment.exp_key, [trial.tid], text)

    def _cancel(self, experiment: Experiment, trial: Trial, text: str) -> None:
        if not self._store.cancel(experiment.exp_key, {State.PENDING, State.RUNNING}, tids=[trial.tid]):
            raise HTTPException(409, f"Trial {trial.tid} has ended already.")

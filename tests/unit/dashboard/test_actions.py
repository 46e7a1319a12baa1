"""What buttons of the dashboard do, and who cannot press them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.dashboard.access import Access, allowed_hosts
from hpsearch.dashboard.actions import RECORDS
from hpsearch.dashboard.app import Dashboard
from hpsearch.store.memory.store import MemoryStore
from tests.support.nested_search import add_nested_search

ACCESS = Access(token="a-token-of-the-test", hosts=allowed_hosts("127.0.0.1", []), port=8765)


@pytest.fixture
def store() -> MemoryStore:
    filled = MemoryStore()
    add_nested_search(filled, "nested", n=20)
    return filled


@pytest.fixture
def browser(store: MemoryStore) -> Iterator[TestClient]:
    """A browser with the cookie."""
    dashboard = Dashboard(store, ACCESS, is_writable=True)
    client = TestClient(dashboard.app, base_url="http://127.0.0.1:8765", follow_redirects=False)
    client.cookies.set(ACCESS.cookie_name, ACCESS.cookie)
    yield client
    dashboard.close()


def form(action: str, text: str = "") -> dict[str, str]:
    return {"form_token": ACCESS.form_token, "action": action, "text": text}


def test_a_search_is_paused_resumed_and_stopped(store: MemoryStore, browser: TestClient) -> None:
    for action, state in (
        ("pause", ExperimentState.PAUSED),
        ("resume", ExperimentState.RUNNING),
        ("stop", ExperimentState.STOPPED),
    ):
        answer = browser.post("/search/nested", data=form(action))
        assert (answer.status_code, answer.headers["location"]) == (303, "/search/nested")
        assert store.experiment("nested").state is state
    assert store.counts("nested")[State.PENDING] == 0
    assert browser.post("/search/nested", data=form("resume")).status_code == 409


def test_trials_are_retried_marked_cancelled_and_noted(store: MemoryStore, browser: TestClient) -> None:
    for path, action in ((9, "retry"), (3, "invalidate"), (1, "restore"), (21, "cancel"), (4, "note")):
        assert browser.post(f"/search/nested/trial/{path}", data=form(action, "a reason")).status_code == 303

    assert store.trial("nested", 22).origin == "retry"
    assert store.trial("nested", 9).invalid.why == "retried as trial 22"
    assert store.trial("nested", 3).invalid.why == "a reason"
    assert store.trial("nested", 1).invalid is None
    assert store.trial("nested", 21).state is State.CANCELLED
    assert store.trial("nested", 4).note == "a reason"
    for path, action in ((3, "retry"), (20, "invalidate"), (3, "cancel")):
        assert browser.post(f"/search/nested/trial/{path}", data=form(action)).status_code == 409


def test_every_use_of_a_button_is_recorded_with_the_search(store: MemoryStore, browser: TestClient) -> None:
    browser.post("/search/nested/trial/3", data=form("invalidate", "broken"))

    [name] = [name for name in store.attachments("nested") if name.startswith(RECORDS)]
    record = json.loads(store.attachment("nested", name))
    assert (record["action"], record["tid"], record["text"]) == ("invalidate", 3, "broken")
    assert "invalidate 3" in browser.get("/search/nested").text


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ({"action": "stop"}, {}),
        ({"action": "stop", "form_token": "wrong"}, {}),
        (form("stop"), {"origin": "http://evil.example"}),
        (form("stop"), {"origin": "null"}),
        (form("stop"), {"sec-fetch-site": "cross-site"}),
        (form("stop"), {"sec-fetch-site": "same-site"}),
        (form("stop", "x" * 20_000), {}),
        (form("delete"), {}),
    ],
)
def test_a_form_from_elsewhere_changes_nothing(
    store: MemoryStore, browser: TestClient, data: dict[str, str], headers: dict[str, str]
) -> None:
    assert browser.post("/search/nested", data=data, headers=headers).status_code in {400, 403, 413}
    assert store.experiment("nested").state is ExperimentState.RUNNING
    assert store.attachments("nested") == []


def test_a_form_without_the_token_of_the_page_is_refused(store: MemoryStore, browser: TestClient) -> None:
    browser.cookies.clear()

    assert browser.post("/search/nested", data=form("stop")).status_code == 401
    assert store.experiment("nested").state is ExperimentState.RUNNING


def test_buttons_exist_only_where_they_work(store: MemoryStore, browser: TestClient) -> None:
    assert 'value="pause"' in browser.get("/search/nested").text
    assert 'value="retry"' in browser.get("/search/nested/trial/9").text
    readers = Dashboard(store, ACCESS)
    reading = TestClient(readers.app, base_url="http://127.0.0.1:8765")
    reading.cookies.set(ACCESS.cookie_name, ACCESS.cookie)
    assert 'method="post"' not in reading.get("/search/nested").text
    assert 'method="post"' not in reading.get("/search/nested/trial/9").text
    readers.close()

"""The pages of the dashboard: who may see them, and what they say without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from hpsearch.core.experiment import Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.trial import State
from hpsearch.dashboard.access import Access, allowed_hosts
from hpsearch.dashboard.app import Dashboard
from hpsearch.dashboard.trial_table import PAGE
from hpsearch.report.html.contents import read_contents, report_files
from hpsearch.report.html.page import report_page
from hpsearch.report.plotdata.kinds import KINDS
from hpsearch.store.memory.store import MemoryStore
from tests.support.declared_outcomes import declared
from tests.support.nested_search import HOSTILE, add_nested_search
from tests.support.pictured import NESTED, front_data
from tests.support.waiting import wait_until

TOKEN = "a-token-of-the-test"
KEY = "nested & <b>bold"
SEARCH = f"/search/{quote(KEY)}"
ADDRESSES = ("/", SEARCH, f"{SEARCH}/events", f"{SEARCH}/trial/3", "/compare", "/static/dashboard.js", "/x")


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    filled = MemoryStore()
    add_nested_search(filled, KEY, n=150)
    add_nested_search(filled, "empty", n=0)
    return filled


@pytest.fixture(scope="module")
def anyone(store: MemoryStore) -> Iterator[TestClient]:
    """A browser without the token."""
    access = Access(token=TOKEN, hosts=allowed_hosts("127.0.0.1", ["pages.example"]), port=8765)
    dashboard = Dashboard(store, access)
    yield TestClient(dashboard.app, base_url="http://127.0.0.1:8765", follow_redirects=False)
    dashboard.close()


@pytest.fixture
def get(anyone: TestClient) -> Any:
    """Get an address with the token of a script."""
    return lambda path, **headers: anyone.get(path, headers={"authorization": f"Bearer {TOKEN}", **headers})


ADDRESSES = (
    "/",
    SEARCH,
    f"{SEARCH}/events",
    f"{SEARCH}/trial/3",
    "/compare",
    "/static/dashboard.js",
    "/none",
)


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_address_answers_without_the_token(anyone: TestClient, path: str) -> None:
    assert anyone.get(path).status_code == 401
    assert anyone.get(f"{path}?token=wrong").status_code == 401
    assert anyone.get(path, headers={"cookie": "hpsearch_8765=wrong"}).status_code == 401


def test_the_token_of_the_address_becomes_a_cookie_that_no_script_and_no_other_site_can_use(
    anyone: TestClient,
) -> None:
    welcome = anyone.get(f"{SEARCH}?token={TOKEN}&q=rbf")
    cookie = welcome.headers["set-cookie"]

    assert welcome.status_code == 303
    assert welcome.headers["location"] == f"{SEARCH}?q=rbf"
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert anyone.get("/", headers={"cookie": cookie.partition(";")[0]}).status_code == 200
    anyone.cookies.clear()


def test_the_redirection_leads_to_no_other_server(anyone: TestClient) -> None:
    welcome = anyone.get(f"http://127.0.0.1:8765//evil.example/?token={TOKEN}")

    assert welcome.headers["location"] == "/evil.example/"
    anyone.cookies.clear()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200), ("localhost", 200), ("[::1]:8765", 200), ("Pages.example", 200),
        ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("", 400),
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused_even_with_the_token(get: Any, host: str, status: int) -> None:
    assert get("/", host=host).status_code == status


def test_every_answer_forbids_foreign_and_inline_scripts(get: Any, anyone: TestClient) -> None:
    for answer in (get("/"), get("/none"), anyone.get("/")):
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", SEARCH, f"{SEARCH}?wide=1", f"{SEARCH}/trial/1", f"{SEARCH}/trial/9"])
def test_what_an_objective_returned_is_text_on_every_page(get: Any, path: str) -> None:
    text = get(path).text

    assert "<img" not in text
    assert "<b>" not in text
    assert path == "/" or "&lt;img src=x onerror=" in text


def test_pages_load_nothing_from_another_server(get: Any) -> None:
    for path in ("/", SEARCH, f"{SEARCH}/trial/9", "/static/dashboard.js", "/static/dashboard.css"):
        assert re.findall(r"https?://", get(path).text) == [], path


@pytest.mark.parametrize("path", ["/", SEARCH, f"{SEARCH}/pause", f"{SEARCH}/trial/1"])
def test_pages_are_read_only(store: MemoryStore, anyone: TestClient, path: str) -> None:
    answer = anyone.post(path, headers={"authorization": f"Bearer {TOKEN}"})

    assert answer.status_code in {404, 405}
    assert store.experiment(KEY).state is ExperimentState.RUNNING


def test_a_search_says_everything_without_a_script(get: Any) -> None:
    text = get(SEARCH).text

    assert "150/300 finished" not in text  # the invalid trial does not count
    assert "149/300 finished: 134 done, 15 failed; 1 running, 1 pending, 1 invalid" in text
    assert "anna" in text
    assert "ValueError: no &lt;img" in text
    assert text.count("data-tid=") == PAGE
    assert "page 1 of 2" in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=failed&sort=trial", [9, 19, 29]),
        ("?state=invalid", [1]),
        ("?q=17", [17]),
        ("?tids=5,3,4&sort=trial", [3, 4, 5]),
        ("?q=tid+>%3D+147+and+state+%3D%3D+'done'", [148, 147]),
        ("?state=running", [150]),
        ("?sort=trial&page=2", [100, 101, 102]),
        ("?sort=nonsense&page=-1&state=x", [151, 150, 149]),
    ],
)
def test_the_table_is_filtered_sorted_and_paged_by_its_address(
    get: Any, query: str, expected: list[int]
) -> None:
    tids = [int(tid) for tid in re.findall(r'data-tid="(\d+)"', get(SEARCH + query).text)]

    assert tids[: len(expected)] == expected
    assert len(tids) == len(expected) or len(expected) == 3


def test_the_best_trials_come_first_by_loss_and_those_without_one_last(get: Any, store: MemoryStore) -> None:
    best = [trial.tid for trial in store.trials(KEY, sort="loss", limit=3)]

    first = [int(t) for t in re.findall(r'data-tid="(\d+)"', get(f"{SEARCH}?sort=loss").text)]
    last = [int(t) for t in re.findall(r'data-tid="(\d+)"', get(f"{SEARCH}?sort=-loss&page=2").text)]

    assert first[:3] == best
    assert {9, 19, 1, 150, 151} <= set(last)


def test_a_wrong_condition_is_explained(get: Any) -> None:
    answer = get(f"{SEARCH}?q=kernel+%3D%3D")

    assert answer.status_code == 200
    assert 'class="warning"' in answer.text


def test_a_trial_shows_its_error_with_traceback_and_output(get: Any) -> None:
    text = get(f"{SEARCH}/trial/9").text

    for part in ("Traceback (most recent call last)", "epoch 1", "pid 4711 on machine", "ValueError"):
        assert part in text


def test_an_empty_search_and_an_unknown_one_have_a_page(get: Any) -> None:
    assert "No trial has a loss yet." in get("/search/empty").text
    assert get("/search/none").status_code == 404
    assert get(f"{SEARCH}/trial/9999").status_code == 404
    assert get(f"{SEARCH}/trial/-1").status_code == 404


def test_searches_are_compared(get: Any) -> None:
    text = get("/compare").text
    both = get(f"/compare?key=empty&key={quote(KEY)}").text

    assert "Mark two or more searches." in text
    assert "best loss" in both
    assert HOSTILE not in both


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_sent_once_for_each_state_of_a_search(get: Any, kind: str) -> None:
    """Also of an empty search; until a model is computed, the answer says so."""
    address = f"{SEARCH}/figure/{kind}"
    wait_until(lambda: get(address).status_code == 200, "a picture")
    answer = get(address)

    assert answer.json()["caption"]
    assert answer.json()["data"] or answer.json()["is_empty"]
    assert len(answer.content) < 200_000
    assert get(address, **{"if-none-match": answer.headers["etag"]}).status_code == 304
    wait_until(lambda: get(f"/search/empty/figure/{kind}").json().get("is_empty"), "an empty picture")
    assert get(f"{SEARCH}/numbers/{kind}").status_code == 200


def test_a_narrow_page_gets_the_panels_of_a_picture_below_each_other(get: Any) -> None:
    wide, narrow = (get(f"{SEARCH}/figure/slice?columns={n}").json()["layout"] for n in (9, 1))

    assert narrow["height"] > wide["height"]
    assert narrow["xaxis2"]["domain"] == narrow["xaxis"]["domain"] != wide["xaxis2"]["domain"]


def test_a_reader_chooses_the_parameters_of_a_picture(get: Any) -> None:
    """Those that the search does not have are left out; a pair gets a model of its own."""
    wait_until(lambda: get(f"{SEARCH}/figure/contour").status_code == 200, "a model")
    chosen = get(f"{SEARCH}/figure/slice?label=trees&label=no%00ne&label=c").json()["layout"]
    pair = get(f"{SEARCH}/figure/contour?label=kernel&label=c").json()

    assert [chosen[axis]["title"]["text"] for axis in ("xaxis", "xaxis2")] == ["trees", "c"]
    assert "xaxis3" not in chosen
    assert [pair["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")] == ["kernel", "c"]
    assert pair["caption"].startswith("Colours are the mean loss")


def test_numbers_are_those_of_the_chosen_parameters(get: Any) -> None:
    """Without a script, the form of a picture leads there."""
    form = get(SEARCH).text.partition('data-chooser="contour"')[2].partition("</form>")[0]
    numbers = get(f"{SEARCH}/numbers/contour?label=&label=c").text
    slices = get(f"{SEARCH}/numbers/slice?label=trees").text

    assert form.count('<option value="trees">') == 2
    assert '<option value="c" selected>' in numbers
    assert '<th scope="col">c</th>' in numbers
    assert slices.count("<td>trees</td>") == 4
    assert "<td>kernel</td>" not in slices


def test_a_search_with_several_objectives_shows_its_front() -> None:
    """On its page, and in the report."""
    filled = MemoryStore()
    outcomes = declared(["error:min", "accuracy:max"], ["gb <= 8"])
    experiment = Experiment(
        exp_key="front",
        space=NESTED.to_json(),
        space_fingerprint=NESTED.fingerprint,
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
        outcomes=outcomes,
    )
    filled.open_experiment(experiment)
    filled.insert([trial for trial in front_data().recent if trial.state in {State.DONE, State.FAILED}])
    access = Access(token=TOKEN, hosts=allowed_hosts("127.0.0.1", []), port=8765)
    dashboard = Dashboard(filled, access)
    client = TestClient(dashboard.app, base_url="http://127.0.0.1:8765")
    headers = {"authorization": f"Bearer {TOKEN}"}
    page = client.get("/search/front", headers=headers).text
    figure = client.get("/search/front/figure/front", headers=headers).json()
    dashboard.close()
    [front] = re.findall(r"<p>(\d+) trials; error ", page)
    on_front = next(trace for trace in figure["data"] if trace["name"] == "on the front")
    assert len(on_front["x"]) == int(front)
    assert "<h2>Front</h2>" in page
    assert "figure/history" not in page
    report = report_page(read_contents(filled, filled.experiment("front")), report_files())
    assert "<h2>The front</h2>" in report
    assert "<th>accuracy</th>" in report.replace(' scope="col"', "")

"""The dashboard in a real Chromium, on a MongoDB that is restarted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hpsearch.core.trial import Result, Trial
from hpsearch.core.worker import Worker
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.browser import Browser, missing, started_browser
from tests.support.nested_search import SPACE, add_nested_search
from tests.support.servers import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long  # Chromium is 100 MB, which only scripts/test --all installs

HISTORY = "#figure-history"
PAGES = ("/search/nested", "/", "/search/nested/trial/9", "/search/empty", "/compare?key=nested&key=empty")


@dataclass(frozen=True)
class Served:
    """A dashboard in a process of its own."""

    server: Server
    store: MongoStore
    process: subprocess.Popen[str]
    url: str  #: of the search, with the token

    def finish_next(self, loss: float) -> Trial:
        """Claim and finish the next trial of the search."""
        values = {"model": 1, "trees": 100}
        tid = max(trial.tid for trial in self.store.points("nested")) + 1
        self.store.insert(
            [Trial(exp_key="nested", tid=tid, values=values, params=SPACE.params(values), priority=9)]
        )
        trial = self.store.claim(Worker(name="b", host="h", pid=1), uuid.uuid4().hex, ["nested"])
        assert trial is not None
        self.store.finish(trial, Result(loss=loss, result={"loss": loss}, duration_s=1.0))
        return trial

    def page(self, path: str) -> str:
        """Return the address of another page, for a browser with the cookie."""
        return re.sub(r"/search/.*", path, self.url)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("dashboard")
    server = Server(folder / "data", "--replSet", "rs0")
    server.start()
    store = MongoStore.connect(server.uri, patience=Patience(60.0))
    add_nested_search(store, "nested", n=60)
    add_nested_search(store, "empty", n=0)
    log = folder / "dashboard.log"
    command = [sys.executable, "-u", "-m", "hpsearch", "dashboard", "nested"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--port", "0", "--store", server.uri], stdout=out, stderr=subprocess.STDOUT, text=True
        )
    wait_until(lambda: "Open http" in log.read_text(), "the dashboard")
    url = log.read_text().split()[1]
    yield Served(server, store, process, url)
    process.kill()
    process.wait()
    store.close()
    server.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    reason = missing()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with started_browser() as started:
        yield started


def test_a_finished_trial_appears_and_the_zoom_stays(served: Served, browser: Browser) -> None:
    assert browser("open", url=served.url) == 200
    browser("wait", selector=f"{HISTORY}[data-drawn]")
    browser("show", selector=HISTORY)
    zoomed = browser("zoom", selector=HISTORY)
    drawn = int(browser("attribute", selector=HISTORY, name="data-drawn"))

    trial = served.finish_next(0.001)

    browser("wait", selector=f"#trial-{trial.tid} .state.done")
    browser("wait", selector=f"#overview .loss a[href$='/trial/{trial.tid}']")
    wait_until(
        lambda: int(browser("attribute", selector=HISTORY, name="data-drawn")) > drawn, "a new picture"
    )
    assert browser("range", selector=HISTORY) == zoomed
    assert browser("text", selector="#badge") == "live"


def test_a_restart_of_mongodb_is_survived(served: Served, browser: Browser) -> None:
    browser("open", url=served.url)
    browser("wait", selector="#badge[data-mode=live]")

    served.server.kill()
    browser("wait", selector="#badge[data-mode=away]")
    served.server.start()
    browser("wait", selector="#badge[data-mode=live]")
    trial = served.finish_next(0.0005)

    browser("wait", selector=f"#trial-{trial.tid} .state.done")


def test_pages_work_without_a_script(served: Served, browser: Browser) -> None:
    browser("open", url=served.url, script=False)

    assert "anna" in browser("text", selector="#workers")
    assert "ValueError" in browser("text", selector="#failures")
    assert "trial" in browser("text", selector="#table")
    browser("goto", url=served.page("/search/nested/numbers/history"))
    assert "best loss so far" in browser("text", selector="table")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_narrow_screen(served: Served, browser: Browser, scheme: str) -> None:
    browser("open", url=served.url, scheme=scheme, width=400)
    browser("show", selector=HISTORY)
    browser("wait", selector=f"{HISTORY}[data-drawn]")
    browser("wait", selector="#importance table")
    assert browser("axe") == []  # with a picture
    for path in PAGES:
        browser("goto", url=served.page(path))
        assert browser("axe") == [], path
        assert browser("width") <= 400, path


def test_a_reader_chooses_the_parameters_of_a_picture(served: Served, browser: Browser) -> None:
    """Also after the table was sorted, and without a script, as a form that leads to the numbers."""
    browser("open", url=served.url)
    browser("show", selector="#figure-contour")
    browser("wait", selector="#figure-contour[data-drawn]")
    choose_pair(browser)
    browser("wait", selector="#figure-contour[aria-label*=' both parameters']")
    wait_until(lambda: axis_titles(browser) == ["c", "kernel"], "the picture of the chosen parameters")
    browser("goto", url=served.page("/search/nested?sort=loss"))
    browser("show", selector="#figure-contour")
    wait_until(lambda: axis_titles(browser) == ["c", "kernel"], "the same picture")
    browser("open", url=served.url, script=False)
    choose_pair(browser)
    browser("click", selector="form[data-chooser=contour] button")
    assert browser("text", selector="h1").endswith("over c and kernel")


def choose_pair(browser: Browser) -> None:
    browser("click", selector=".chooser:has([data-chooser=contour]) summary")
    for i, label in enumerate(("c", "kernel")):
        browser("select", selector=f"[data-chooser=contour] label:nth-of-type({i + 1}) select", value=label)


def axis_titles(browser: Browser) -> list[str]:
    return [str(browser("title_of_axis", selector="#figure-contour", axis=axis)) for axis in ("x", "y")]


def test_the_keyboard_reaches_the_rows_and_the_search(served: Served, browser: Browser) -> None:
    browser("open", url=served.url)
    browser("wait", selector="#badge[data-mode=live]")

    browser("press", key="j")
    browser("press", key="j")
    assert "/trial/" in browser("focused")
    browser("press", key="/")
    assert 'name="q"' in browser("focused")


def test_no_page_ran_a_foreign_script_or_left_its_server(served: Served, browser: Browser) -> None:
    """Looks back at all that the tests before have opened, hostile values included."""
    found = browser("problems")
    base = served.page("/")

    unexpected = [text for text in found["problems"] if "ERR_" not in text and "503" not in text]
    assert unexpected == []
    assert [url for url in found["requests"] if not url.startswith((base, "data:", "blob:"))] == []
    assert "owned" not in browser("title")


def test_sigterm_ends_it_in_two_seconds_with_an_open_page(served: Served, browser: Browser) -> None:
    browser("open", url=served.url)
    browser("wait", selector="#badge[data-mode=live]")

    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    code = served.process.wait(60)

    assert code == 0
    assert time.monotonic() - began < 2

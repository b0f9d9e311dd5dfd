"""Pages are served to whoever has the token, with nothing in them but what is ours."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import uvicorn

from sweeps.errors import RequestError
from sweeps.record.replay import read_ledger
from sweeps.record.requests import requests_of
from sweeps.record.run_folder import RunFolder
from sweeps.report.style import OUTCOME_COLOURS
from sweeps.watch import server
from sweeps.watch.storage_feed import StorageFeed
from tests.sweeps.watch.test_feed import OLD

TOKEN = "the-token"
PAGES = Path(server.__file__).parent / "pages"


@contextmanager
def served(runs: Path, pages: server.Pages | None = None) -> Iterator[str]:
    """Serve a folder of run folders from a thread; yields the address without the token."""
    listening = server.listen(None)
    app = server.application(StorageFeed(runs, lambda path: path), TOKEN, pages)
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=running.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "runs"
    shutil.copytree(OLD, folder)
    shutil.copytree(OLD / "finished", folder / "<b>odd & even")
    shutil.copytree(OLD / "finished", folder / "damaged")
    (folder / "damaged" / "sweep.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def address(runs: Path) -> Iterator[str]:
    with served(runs) as address:
        yield address


def get(address: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Return status, body and headers of an answer, whatever its status."""
    try:
        with urlopen(Request(address + path, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except HTTPError as err:
        with err:
            return err.code, err.read().decode(), dict(err.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/the-toke/",
        "/the-token2/sweeps.json",
        "/TOKEN/sweep/finished/feed.json",
        "/x/assets/watch.js",
        "/x/assets/plotly.js",
        "/docs",
        "/openapi.json",
    ],
)
def test_without_the_token_there_is_nothing(address: str, path: str) -> None:
    status, body, _ = get(address, path)
    assert (status, json.loads(body)) == (404, {"detail": "Not Found"})


def test_another_name_of_this_machine_is_refused(address: str) -> None:
    assert get(address, f"/{TOKEN}/", Host="evil.example")[0] == 400


@pytest.mark.parametrize(
    "name", ["nothing", "..", "%2e%2e", "..%2fruns%2ffinished", "finished%2f..%2fkilled"]
)
def test_a_sweep_that_is_not_in_the_storage_is_not_found(address: str, name: str) -> None:
    assert get(address, f"/{TOKEN}/sweep/{name}/feed.json")[0] == 404


@pytest.mark.parametrize("name", ["../server.py", "%2e%2e%2fserver.py", "x.js", "..%2ffeed.py"])
def test_only_the_files_of_the_pages_are_assets(address: str, name: str) -> None:
    assert get(address, f"/{TOKEN}/assets/{name}")[0] == 404


@pytest.mark.parametrize("name", sorted(path.name for path in PAGES.iterdir()))
def test_every_file_of_the_pages_is_served_and_short(address: str, name: str) -> None:
    status, body, _ = get(address, f"/{TOKEN}/assets/{name}")
    assert status == 200
    assert len(body.splitlines()) < 400
    assert "innerHTML" not in body
    assert re.findall(r"https?://", body) == []


def test_the_pages_load_nothing_from_elsewhere_and_tell_nobody_their_address(address: str) -> None:
    status, _, headers = get(address, f"/{TOKEN}/sweep/finished/")
    policy = headers["content-security-policy"]
    assert status == 200
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_plotly_is_the_one_that_the_report_has(address: str) -> None:
    from plotly.offline import get_plotlyjs

    assert get(address, f"/{TOKEN}/assets/plotly.js")[1] == get_plotlyjs()


def test_the_list_has_every_sweep_and_says_which_is_damaged(address: str, runs: Path) -> None:
    found = json.loads(get(address, f"/{TOKEN}/sweeps.json")[1])
    states = {one["name"]: one["state"] for one in found}
    assert states.keys() == {path.parent.name for path in runs.glob("*/sweep.json")}
    assert states["damaged"] == "damaged"
    assert states["finished"] == states["<b>odd & even"] == "ended"


def test_a_sweep_with_an_odd_name_has_its_page(address: str) -> None:
    status, body, _ = get(address, f"/{TOKEN}/sweep/%3Cb%3Eodd%20%26%20even/feed.json")
    assert (status, json.loads(body)["sweep"]["name"]) == (200, "<b>odd & even")


def test_a_damaged_folder_is_said_in_words(address: str) -> None:
    status, body, _ = get(address, f"/{TOKEN}/sweep/damaged/feed.json")
    assert status == 500
    assert "sweep.json" in json.loads(body)["error"]


def test_a_second_poll_is_short(address: str) -> None:
    first = get(address, f"/{TOKEN}/sweep/finished/feed.json")[1]
    cursor = json.loads(first)["cursor"]
    second = get(address, f"/{TOKEN}/sweep/finished/feed.json?since={cursor}")[1]
    assert len(second) < 1000
    assert json.loads(second)["trials"] == []


def test_outcomes_have_the_colours_of_the_report() -> None:
    light = (PAGES / "watch.css").read_text(encoding="utf-8").partition("@media")[0]
    found = dict(re.findall(r"--(\w+): (#\w+)", light))
    assert {name: found[name].lower() for name in OUTCOME_COLOURS} == {
        name: colour.lower() for name, colour in OUTCOME_COLOURS.items()
    }


def test_a_port_that_is_taken_is_an_error_with_a_way_out() -> None:
    taken = server.listen(None)
    taken.listen()
    with pytest.raises(RequestError, match="leave out --port"):
        server.listen(taken.getsockname()[1])
    taken.close()


def test_a_stop_is_asked_for_by_the_page_alone_and_of_what_runs_alone(
    runs: Path, address: str
) -> None:
    def ask(path: str, **headers: str) -> tuple[int, str]:
        request = Request(f"{address}/{TOKEN}/sweep/{path}", method="POST", headers=headers)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as err:
            with err:
                return err.code, err.read().decode()

    index = read_ledger(RunFolder(runs / "interrupted")).unfinished[0].trial.index
    open_trial = f"interrupted/trial/{index}/stop"
    assert ask(open_trial, Origin="http://evil.example")[0] == 403
    assert ask(open_trial, Origin="null")[0] == 403
    assert not (runs / "interrupted" / "requests").exists()
    assert ask(open_trial, Origin=address)[0] == 202
    assert requests_of(RunFolder(runs / "interrupted")) == [f"trial-{index}"]
    assert ask("finished/trial/0/stop")[0] == 409
    assert "is not running" in ask("interrupted/stop")[1]
    assert "nothing to pause" in ask("interrupted/pause")[1]
    assert ask("interrupted/go-on")[0] == 409
    assert ask("interrupted/pause", Origin="http://evil.example")[0] == 403
    assert ask("interrupted/add/3", Origin="http://evil.example")[0] == 403
    assert ask("interrupted/add/3")[0] == 409
    assert "method grid, whose trials are fixed by its file" in ask("interrupted/add/3")[1]
    assert ask("interrupted/add/none")[0] == 422
    assert ask("nothing/stop")[0] == 404
    assert get(address, f"/{TOKEN}/sweep/interrupted/stop")[0] == 405


def test_a_link_to_a_trials_run_leads_there_or_says_why_not(runs: Path) -> None:
    def page(folder: RunFolder, trial: int | None) -> str:
        if trial == 9:
            raise RequestError("MLflow has no record of trial 9 yet")
        return f"{seen}/{TOKEN}/assets/watch.css?{folder.name}-{trial}"

    found = f"/{TOKEN}/sweep/finished/mlflow"
    with served(runs, page) as seen:
        assert get(seen, f"{found}?trial=2")[0] == 200
        assert get(seen, f"{found}?trial=9")[:2] == (409, "MLflow has no record of trial 9 yet")
        assert json.loads(get(seen, f"/{TOKEN}/sweep/finished/feed.json")[1])["has_mlflow"]
    with served(runs) as without:
        assert get(without, found)[0] == 404

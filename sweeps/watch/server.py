"""Serves the pages on this machine alone, to whoever has the token that is in their address."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sweeps.errors import RequestError, RunFolderError, StorageError, SweepError
from sweeps.record.requests import (
    ask_for_trials,
    ask_to_go_on,
    ask_to_pause,
    ask_to_stop,
    ask_to_stop_trial,
)
from sweeps.record.run_folder import RunFolder
from sweeps.watch.feed import Feed
from sweeps.watch.storage_feed import StorageFeed

__all__ = ["application", "listen", "serve"]

# Returns the address at which a tracker shows a sweep, or one trial; raises SweepError.
Pages = Callable[[RunFolder, int | None], str]
_HOST = "127.0.0.1"
_PAGES = Path(__file__).resolve().parent / "pages"
# What Plotly draws by WebGL goes through functions that it makes from texts; it styles inline.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# The address is a secret: no page that is linked to gets it, and no cache keeps what it shows.
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def application(storage: StorageFeed, token: str, pages: Pages | None = None) -> FastAPI:
    """Return the web application; every address of it begins with the token.

    Args:
        pages: Those of MLflow; None where sweeps are not recorded there.
    """

    def check(token_given: str) -> None:
        if not secrets.compare_digest(token_given.encode(), token.encode()):
            raise HTTPException(404)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    router = APIRouter(prefix="/{token_given}", dependencies=[Depends(check)])
    _add_pages(router)
    _add_feeds(router, storage, has_mlflow=pages is not None)
    _add_requests(router, storage)
    _add_links(router, storage, pages)
    app.include_router(router)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"])
    app.middleware("http")(_with_headers)
    app.exception_handler(RunFolderError)(_damaged)
    app.exception_handler(StorageError)(_damaged)
    app.exception_handler(RequestError)(_impossible)
    return app


async def _with_headers(
    request: Request, call: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _damaged(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=500)


def _impossible(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=409)


def _refuse_other_pages(request: Request) -> None:
    """Refuse what a page of another site asks for, should it ever have learned the address."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403)


def _add_pages(router: APIRouter) -> None:
    @router.get("/")
    def sweeps_page() -> FileResponse:
        return FileResponse(_PAGES / "list.html")

    @router.get("/compare/")
    def compare_page() -> FileResponse:
        return FileResponse(_PAGES / "compare.html")

    @router.get("/sweep/{name}/")
    def sweep_page(name: str) -> FileResponse:
        return FileResponse(_PAGES / "watch.html")

    @router.get("/assets/plotly.js")
    def plotly() -> FileResponse:
        return FileResponse(_plotly(), headers={"Cache-Control": "private, max-age=86400"})

    @router.get("/assets/{name}")
    def asset(name: str) -> FileResponse:
        if name not in {path.name for path in _PAGES.iterdir()}:
            raise HTTPException(404)
        return FileResponse(_PAGES / name)


def _add_feeds(router: APIRouter, storage: StorageFeed, has_mlflow: bool) -> None:
    @router.get("/sweeps.json")
    def sweeps() -> JSONResponse:
        return JSONResponse(storage.summaries())

    @router.get("/sweep/{name}/feed.json")
    def feed(name: str, since: str = "") -> JSONResponse:
        found = _found(storage, name)
        linked = has_mlflow and found.is_in_mlflow()
        return JSONResponse({**found.changes(since), "has_mlflow": linked})

    @router.get("/sweep/{name}/what-matters.json")
    def what_matters(name: str) -> JSONResponse:
        return JSONResponse(_found(storage, name).what_matters())

    @router.get("/sweep/{name}/course.json")
    def course(name: str) -> JSONResponse:
        return JSONResponse(_found(storage, name).course())

    @router.get("/sweep/{name}/report.html")
    def report(name: str) -> FileResponse:
        found = storage.feed(name)
        if found is None or not (found.folder.path / "report.html").exists():
            raise HTTPException(404)
        # The report has a policy of its own, and its scripts inside it.
        own = {"Content-Security-Policy": "frame-ancestors 'none'"}
        return FileResponse(found.folder.path / "report.html", headers=own)


def _found(storage: StorageFeed, name: str) -> Feed:
    found = storage.feed(name)
    if found is None:
        where = "`all sweeps` lists those that are"
        raise HTTPException(404, f"there is no sweep {name} here: {where}")
    return found


def _add_requests(router: APIRouter, storage: StorageFeed) -> None:
    own = [Depends(_refuse_other_pages)]

    @router.post("/sweep/{name}/stop", status_code=202, dependencies=own)
    def stop(name: str) -> None:
        ask_to_stop(_folder(name))

    @router.post("/sweep/{name}/pause", status_code=202, dependencies=own)
    def pause(name: str) -> None:
        ask_to_pause(_folder(name))

    @router.post("/sweep/{name}/go-on", status_code=202, dependencies=own)
    def go_on(name: str) -> None:
        ask_to_go_on(_folder(name))

    @router.post("/sweep/{name}/add/{trials}", status_code=202, dependencies=own)
    def add(name: str, trials: int) -> None:
        ask_for_trials(_folder(name), trials)

    @router.post("/sweep/{name}/trial/{index}/stop", status_code=202, dependencies=own)
    def stop_trial(name: str, index: int) -> None:
        ask_to_stop_trial(_folder(name), index)

    def _folder(name: str) -> RunFolder:
        return _found(storage, name).folder


def _add_links(router: APIRouter, storage: StorageFeed, pages: Pages | None) -> None:
    @router.get("/sweep/{name}/mlflow")
    def mlflow(name: str, trial: int | None = None) -> Response:
        found = storage.feed(name)
        if found is None or pages is None:
            raise HTTPException(404)
        try:
            return RedirectResponse(pages(found.folder, trial), status_code=303)
        except SweepError as err:
            return PlainTextResponse(str(err), status_code=409)


def _plotly() -> Path:
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def listen(port: int | None) -> socket.socket:
    """Return a socket that only this machine can reach.

    Args:
        port: None takes one that is free.

    Raises:
        RequestError: The port is taken.
    """
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((_HOST, port or 0))
        made.listen()  # who comes before the server has started waits for it
    except OSError as err:
        made.close()
        raise RequestError(
            f"cannot listen on port {port}: {err.strerror}; leave out --port for one that is free"
        ) from err
    return made


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer until Ctrl-C."""
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "lifespan": "off"}
    uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=1, **quiet)).run([listening])

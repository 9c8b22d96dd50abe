"""The page's HTTP side: it answers GET, and nothing that is asked changes anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from status.board import Board
from status.config import Config
from status.metrics import exposition
from status.pages import POLICY, Pages, badge
from status.view import ProjectView

ALIVE_SECONDS = 15.0
STOP_SECONDS = 2
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PROJECT = r"{project:[A-Za-z0-9][A-Za-z0-9._+-]{0,63}}"


class Server:
    """Answers from a board, which `use` replaces when the configuration changed."""

    def __init__(self, config: Config, board: Board) -> None:
        self._board = board
        self._pages = Pages(config.commit_url)
        self._kept: tuple[Board, int, str] = (board, -1, "")
        self.port = 0

    def use(self, board: Board) -> None:
        """Answer from *board* from now on."""
        self._board = board

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application()
        application.on_response_prepare.append(_protect)
        application.add_routes(
            [
                web.get("/", self.all),
                web.get(f"/projects/{PROJECT}", self.project),
                web.get(f"/projects/{PROJECT}/commits/{{commit:[0-9a-f]{{7,40}}}}", self.commit),
                web.get("/api/projects", self.api_all),
                web.get(f"/api/projects/{PROJECT}", self.api_project),
                web.get(f"/badge/{PROJECT}/{{ring:[a-z][a-z0-9-]{{0,31}}}}.svg", self.badge),
                web.get("/events", self.events),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
            ]
        )
        return application

    async def all(self, request: web.Request) -> web.Response:
        """Show a line for each project."""
        board, revision, page = self._kept
        if (board, revision) != (self._board, self._board.revision):
            # Many pages are open, and all ask after each change.
            page = self._pages.all(self._board.views, self._board.trouble)
            self._kept = (self._board, self._board.revision, page)
        return _page(page)

    async def project(self, request: web.Request) -> web.Response:
        """Show one project."""
        view = self._view(request)
        if view is None:
            return self._missing(request.match_info["project"])
        return _page(self._pages.project(view, self._board.trouble))

    async def commit(self, request: web.Request) -> web.Response:
        """Show the run of one commit."""
        view, commit = self._view(request), request.match_info["commit"]
        run = await self._board.run_of(view["name"], commit) if view else None
        if view and run:
            return _page(self._pages.commit(view, run, self._board.trouble))
        return self._missing(f"{request.match_info['project']} {commit[:7]}")

    async def api_all(self, request: web.Request) -> web.Response:
        """Say the same as the first page, as JSON."""
        return web.json_response({"projects": self._board.views, "trouble": self._board.trouble})

    async def api_project(self, request: web.Request) -> web.Response:
        """Say the same as the page of a project, as JSON."""
        view = self._view(request)
        if view is None:
            return web.json_response({"error": f"{request.match_info['project']} is not known"}, status=404)
        return web.json_response({**view, "trouble": self._board.trouble})

    async def badge(self, request: web.Request) -> web.Response:
        """Draw the version of one ring."""
        view, name = self._view(request), request.match_info["ring"]
        for ring in view["rings"] if view else ():
            if view and ring["name"] == name:
                return web.Response(text=badge(view["name"], ring), content_type="image/svg+xml")
        return self._missing(f"{request.match_info['project']} {name}")

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Say each revision as a server-sent event, and now and then that this goes on."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        board, known = self._board, -1
        with suppress(ConnectionError):
            while board is self._board:
                newer = await board.changed(known, ALIVE_SECONDS)
                said = f"data: {newer}\n\n" if newer != known else ": goes on\n\n"
                await answer.write(said.encode())
                known = newer
        return answer

    async def healthz(self, request: web.Request) -> web.Response:
        """Say whether what is shown is what Consul has."""
        trouble = self._board.trouble
        return web.json_response({"status": "old" if trouble else "ok", "trouble": trouble})

    async def metrics(self, request: web.Request) -> web.Response:
        """Say the same in Prometheus' text format."""
        text = exposition(self._board.views, self._board.tallies, self._board.trouble)
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    def _view(self, request: web.Request) -> ProjectView | None:
        return self._board.view(request.match_info["project"])

    def _missing(self, what: str) -> web.Response:
        return _page(self._pages.missing(what, self._board.trouble), 404)


@asynccontextmanager
async def listening(server: Server, config: Config) -> AsyncIterator[None]:
    """Listen within this context; OSError when that cannot be."""
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port)
        await site.start()
        server.port = runner.addresses[0][1]
        yield
    finally:
        await asyncio.shield(runner.cleanup())


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)


async def _protect(request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.update(HEADERS)

"""The REST API: routes, authentication, and errors as StackStorm words them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from st2local.api import (
    access,
    aliases,
    audit,
    changes,
    content,
    cookie,
    execution_filters,
    executions,
    keys,
    rule_views,
    webhooks,
)
from st2local.api.ask import Ask
from st2local.api.browser_guard import BrowserGuard
from st2local.assembly import Engine
from st2local.datastore import SYSTEM_USER
from st2local.errors import AuthError, St2Error, TooLargeError
from st2local.values import Values

LOG = logging.getLogger(__name__)
Handler = Callable[[Ask], Any]
BODY_LIMIT = 14 * 1024 * 1024

ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "", access.about),
    ("GET", "/executions", executions.list_all),
    ("POST", "/executions", executions.create),
    ("GET", "/executions/views/filters", execution_filters.values),
    ("GET", "/executions/{id}", executions.get),
    ("PUT", "/executions/{id}", executions.change),
    ("DELETE", "/executions/{id}", executions.cancel),
    ("GET", "/executions/{id}/children", executions.children),
    ("GET", "/executions/{id}/output", executions.output),
    ("GET", "/executions/{id}/result", executions.result),
    ("GET", "/executions/{id}/attribute/{attribute}", executions.attribute),
    ("POST", "/executions/{id}/re_run", executions.rerun),
    ("GET", "/actions", content.lister("action")),
    ("GET", "/actions/views/overview", content.overview),
    ("GET", "/actions/views/overview/{ref}", content.overview_one),
    ("GET", "/actions/views/parameters/{ref}", content.parameters_view),
    ("GET", "/actions/views/entry_point/{ref}", content.entry_point),
    ("GET", "/actions/{ref}", content.getter("action")),
    ("GET", "/rules", content.lister("rule")),
    ("GET", "/rules/views", rule_views.list_all),
    ("GET", "/rules/views/{ref}", rule_views.get),
    ("GET", "/rules/{ref}", content.getter("rule")),
    ("GET", "/actionalias", content.lister("action_alias")),
    ("GET", "/actionalias/help", aliases.help_strings),
    ("POST", "/actionalias/match", aliases.match),
    ("GET", "/actionalias/{ref}", content.getter("action_alias")),
    ("POST", "/aliasexecution", aliases.execute),
    ("POST", "/aliasexecution/match_and_execute", aliases.match_and_execute),
    ("GET", "/sensortypes", content.lister("sensor_type")),
    ("GET", "/sensortypes/{ref}", content.getter("sensor_type")),
    ("GET", "/triggertypes", content.lister("trigger_type")),
    ("GET", "/triggertypes/{ref}", content.getter("trigger_type")),
    ("GET", "/triggers", content.all_triggers),
    ("GET", "/triggers/{ref}", content.one_trigger),
    ("GET", "/policies", content.lister("policy")),
    ("GET", "/policies/{ref}", content.getter("policy")),
    ("GET", "/policytypes", content.policy_types),
    ("GET", "/policytypes/{ref}", content.policy_type),
    ("GET", "/runnertypes", content.runner_types),
    ("GET", "/runnertypes/{ref}", content.runner_type),
    ("GET", "/packs", content.packs),
    ("GET", "/packs/index", content.pack_index),
    ("POST", "/packs/register", content.register),
    ("GET", "/packs/{ref}", content.pack),
    ("GET", "/packs/views/file/{ref}/{file:path}", content.pack_file),
    ("GET", "/config_schemas", content.config_schemas),
    ("GET", "/config_schemas/{ref}", content.config_schema),
    ("GET", "/configs", content.configs),
    ("GET", "/configs/{ref}", content.config),
    ("PUT", "/configs/{ref}", content.set_config),
    ("GET", "/keys", keys.list_all),
    ("GET", "/keys/{name:path}", keys.get),
    ("PUT", "/keys/{name:path}", keys.put),
    ("DELETE", "/keys/{name:path}", keys.delete),
    ("GET", "/webhooks", webhooks.list_all),
    ("GET", "/webhooks/{hook:path}", webhooks.get),
    ("POST", "/webhooks/{hook:path}", webhooks.post),
    ("POST", "/sensordispatch", webhooks.sensor_dispatch),
    ("GET", "/sensortriggers", webhooks.sensor_triggers),
    ("GET", "/traces", audit.traces),
    ("GET", "/traces/{id}", audit.trace),
    ("GET", "/triggerinstances", audit.trigger_instances),
    ("GET", "/triggerinstances/{id}", audit.trigger_instance),
    ("POST", "/triggerinstances/{id}/re_emit", audit.re_emit),
    ("GET", "/ruleenforcements", audit.enforcements),
    ("GET", "/ruleenforcements/views", audit.enforcement_views),
    ("GET", "/ruleenforcements/{id}", audit.enforcement),
    ("GET", "/user", access.user),
    ("GET", "/apikeys", access.api_keys),
    ("POST", "/apikeys", access.create_api_key),
    ("GET", "/apikeys/{id}", access.api_key),
    ("PUT", "/apikeys/{id}", access.change_api_key),
    ("DELETE", "/apikeys/{id}", access.delete_api_key),
    ("GET", "/inquiries", access.inquiries),
    ("GET", "/inquiries/{id}", access.inquiry),
    ("PUT", "/inquiries/{id}", access.respond),
    *changes.ROUTES,
]


def fault(status: int, message: str) -> Response:
    """Answer with an error."""
    return JSONResponse({"faultstring": message}, status)


def identify(engine: Engine, request: Request) -> tuple[str, Values]:
    """Return who asks, and how that is known; raises AuthError."""
    auth = engine.auth
    places: tuple[tuple[str, Any, str, str], ...] = (
        ("header", request.headers, "x-auth-token", "st2-api-key"),
        ("query parameter", request.query_params, "x-auth-token", "st2-api-key"),
        ("cookie", request.cookies, cookie.NAME, ""),
    )
    for place, values, token_name, key_name in places:
        if values.get(token_name):
            user, expiry = auth.token_user(values[token_name])
            return user, {
                "method": "authentication token",
                "location": place,
                "token_expire": f"{expiry[:19]}Z",
            }
        if key_name and values.get(key_name):
            return auth.key_user(values[key_name]), {"method": "API key", "location": place}
    if auth.enabled:
        raise AuthError("Unauthorized - One of Token or API key required.")
    return SYSTEM_USER, {
        "method": "authentication token",
        "location": "header",
        "token_expire": "2099-01-01T00:00:00Z",
    }


async def read(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """Return the body; raises TooLargeError before more than *limit* bytes are in memory."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLargeError(f"The body is larger than {limit} bytes.")
        parts.append(part)
    return b"".join(parts)


def _endpoint(engine: Engine, handler: Handler) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            user, how = identify(engine, request)
            ask = Ask(
                engine=engine, method=request.method, path=request.path_params, query=request.query_params,
                headers=request.headers, content=await read(request), user=user, how=how,
            )  # fmt: skip
            answer = await to_thread.run_sync(handler, ask)
            answer = answer if isinstance(answer, Response) else JSONResponse(answer)
            cookie.renew(request, answer, how)
            return answer
        except St2Error as error:
            return fault(error.status, str(error))
        except Exception:
            LOG.exception("%s %s failed", request.method, request.url.path)
            return fault(500, "Internal Server Error")

    return endpoint


async def _not_found(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return fault(status, "The resource could not be found." if status == 404 else "Method Not Allowed")


def build(engine: Engine) -> Starlette:
    """Return the API; each path is there with and without a slash at its end."""
    routes = []
    for method, path, handler in ROUTES:
        endpoint = _endpoint(engine, handler)
        for prefix in ("/v1", "/api/v1", ""):
            routes.append(Route(prefix + path or "/", endpoint, methods=[method]))
            if not path.endswith(":path}"):
                routes.append(Route(f"{prefix}{path}/", endpoint, methods=[method]))
    return guarded(engine, routes)


def guarded(engine: Engine, routes: list[Route]) -> Starlette:
    """Return an application of *routes* that no foreign web page can use through a browser."""
    app = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})
    app.router.redirect_slashes = False
    app.add_middleware(BrowserGuard, is_open=not engine.auth.enabled)
    return app

"""Runner `http-request`."""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from st2local.engine import statuses
from st2local.engine.execution import Outcome
from st2local.errors import RefusedError
from st2local.runners.call import Call
from st2local.values import Values

SUCCESS = range(200, 208)


def run(call: Call) -> Outcome:
    """Send the request; a status of 2xx is a success."""
    _check_host(call.runner_parameters)
    timeout = float(call.parameters.get("timeout") or 60)
    try:
        with _opener(call.runner_parameters).open(_request(call), timeout=timeout) as answer:
            return _outcome(answer.status, dict(answer.headers.items()), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _outcome(error.code, dict(error.headers.items()), error.read())
    except TimeoutError as error:
        return statuses.TIMEOUT, {"error": str(error)}
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.timeout):
            return statuses.TIMEOUT, {"error": str(error.reason)}
        raise


def _check_host(wanted: Values) -> None:
    black, white = wanted.get("url_hosts_blacklist") or [], wanted.get("url_hosts_whitelist") or []
    host = urllib.parse.urlparse(wanted["url"]).hostname
    if black and white:
        raise RefusedError(
            '"url_hosts_blacklist" and "url_hosts_whitelist" parameters are mutually exclusive.'
            " Only one should be provided."
        )
    if host in black:
        raise RefusedError(f'URL "{wanted["url"]}" is blacklisted')
    if white and host not in white:
        raise RefusedError(f'URL "{wanted["url"]}" is not whitelisted')


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(wanted: Values) -> urllib.request.OpenerDirector:
    proxies = {scheme: wanted.get(f"{scheme}_proxy") for scheme in ("http", "https")}
    handlers: list[Any] = []
    if any(proxies.values()):
        handlers.append(urllib.request.ProxyHandler({k: v for k, v in proxies.items() if v}))
    if not wanted.get("allow_redirects"):
        handlers.append(_NoRedirect())
    context = ssl.create_default_context()
    if not wanted.get("verify_ssl_cert", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(*handlers, urllib.request.HTTPSHandler(context=context))


def _request(call: Call) -> urllib.request.Request:
    wanted, given = call.runner_parameters, call.parameters
    headers = {str(name): str(value) for name, value in (wanted.get("headers") or {}).items()}
    headers |= {"User-Agent": "st2/v3.9.0", "X-Stanley-Action": call.action.name}
    if wanted.get("username") or wanted.get("password"):
        pair = f"{wanted.get('username') or ''}:{wanted.get('password') or ''}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    if wanted.get("cookies"):
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in wanted["cookies"].items())
    data = _body(given.get("body"), headers)
    method = given.get("method") or ("POST" if data else "GET")
    return urllib.request.Request(_url(wanted["url"], given.get("params")), data, headers, method=method)


def _url(url: str, params: Values | None) -> str:
    if not params:
        return url
    return url + ("&" if "?" in url else "?") + urllib.parse.urlencode(params, doseq=True)


def _body(body: str | None, headers: dict[str, str]) -> bytes | None:
    if not body:
        return None
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if "application/json" not in kind:
        return body.encode()
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = ast.literal_eval(body)
    return json.dumps(parsed).encode()


def _outcome(code: int, headers: dict[str, str], content: bytes) -> Outcome:
    text = content.decode("utf-8", "replace")
    kind = next((v for n, v in headers.items() if n.lower() == "content-type"), "").partition(";")[0]
    body, parsed = text, False
    if kind.strip() == "application/json":
        with contextlib.suppress(ValueError):
            body, parsed = json.loads(text), True
    result = {"status_code": code, "body": body, "parsed": parsed, "headers": headers}
    return statuses.SUCCEEDED if code in SUCCESS else statuses.FAILED, result

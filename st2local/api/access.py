"""Who is asking, API keys, and inquiries."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from st2local.api.ask import Ask, page
from st2local.errors import ParamError
from st2local.values import Values

VERSION = "3.9.0"  # the StackStorm that st2local answers like


def about(ask: Ask) -> Values:
    """Answer with which StackStorm this is: what a bot asks for to see whether its API key is good."""
    return {"version": VERSION, "docs_url": "http://docs.stackstorm.com/latest"}


def user(ask: Ask) -> Values:
    """Answer with who is asking."""
    return {
        "username": ask.user,
        "authentication": ask.how,
        "rbac": {"enabled": False, "roles": [], "is_admin": True},
    }


def api_keys(ask: Ask) -> Response:
    """Answer with the API keys of who asks."""
    return page(ask, ask.engine.auth.keys_of(ask.user))


def api_key(ask: Ask) -> Values:
    """Answer with one API key."""
    found = ask.engine.auth.get_key(ask.path["id"])
    ask.as_user(found["user"])
    return found


def create_api_key(ask: Ask) -> Response:
    """Make an API key for who asks."""
    body = ask.body()
    user, metadata = ask.as_user(body.get("user")), body.get("metadata") or {}
    return JSONResponse(ask.engine.auth.create_key(user, metadata, bool(body.get("enabled", True))), 201)


def change_api_key(ask: Ask) -> Values:
    """Switch an API key on or off; as there, the one that it is for must be named again."""
    body = ask.body()
    if not body.get("user"):
        raise ParamError(f"ValidationError (ApiKeyDB:{ask.path['id']}) (Field is required: ['user'])")
    key = api_key(ask)
    return ask.engine.auth.set_key(key["id"], bool(body.get("enabled", True)), body.get("metadata"))


def delete_api_key(ask: Ask) -> Response:
    """Delete an API key."""
    ask.engine.auth.delete_key(api_key(ask)["id"])
    return Response(status_code=204)


def inquiries(ask: Ask) -> list[Values]:
    """Answer with the inquiries that wait."""
    return ask.engine.inquiries.list(ask.limit, ask.offset)


def inquiry(ask: Ask) -> Values:
    """Answer with one inquiry."""
    return ask.engine.inquiries.get(ask.path["id"])


def respond(ask: Ask) -> Values:
    """Answer an inquiry."""
    body = ask.body()
    if "response" not in body:
        raise ParamError("'response' is a required property")
    return ask.engine.inquiries.respond(ask.path["id"], body["response"], ask.user)

"""Errors a caller can act on."""

from __future__ import annotations


class St2Error(Exception):
    """Base of every expected failure; its text is a sentence for the person who asked."""

    status = 400


class ContentError(St2Error):
    """A pack's file is wrong."""


class ParamError(St2Error):
    """A parameter cannot be rendered, or does not fit its schema."""


class NotFoundError(St2Error):
    """Nothing of that name or id is registered."""

    status = 404


class RefusedError(St2Error):
    """The request contradicts the state of things."""


class AuthError(St2Error):
    """Who asks is not known."""

    status = 401


class ForbiddenError(St2Error):
    """Who asks is known, and may not do that."""

    status = 403


class TooLargeError(St2Error):
    """A body is longer than any document may be."""

    status = 413

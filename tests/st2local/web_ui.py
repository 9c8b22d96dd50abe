"""StackStorm's web UI in a real browser, as a person uses it; and what it asks the server meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from tests.browser import Browser

SECONDS = 60
# Put into the page before its own scripts: each request is noted as it is sent.
NOTE_REQUESTS = """
window.asked = [];
const open = XMLHttpRequest.prototype.open, send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.open = function (method, url) {
  this.noted = [method.toUpperCase(), url];
  return open.apply(this, arguments);
};
XMLHttpRequest.prototype.send = function (body) {
  window.asked.push([...this.noted, body || null]);
  return send.apply(this, arguments);
};
const Source = window.EventSource;
window.EventSource = function (url, options) {
  window.asked.push(['GET', url, null]);
  return new Source(url, options);
};
window.EventSource.prototype = Source.prototype;
"""
FILL = """
const [place, value] = arguments;
const field = document.querySelector(place);
const type = field.tagName === 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
Object.getOwnPropertyDescriptor(type.prototype, 'value').set.call(field, value);
field.dispatchEvent(new Event('input', {bubbles: true}));
"""
_ID = re.compile(r"\b[0-9a-f]{24}\b")


def marked(mark: str) -> str:
    """Return the selector of what st2web marks for its own tests."""
    return f'[data-test~="{mark}"]'


class WebUi:
    """One visitor of the web UI at *url*."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self._url = browser, url
        browser.before_scripts(NOTE_REQUESTS)

    def log_in(self, user: str, password: str) -> None:
        """Type a name and a password, and wait for the history."""
        self.browser.open(self._url)
        self.wait_for("input[type=password]")
        self.fill("input:not([type=password]):not([type=checkbox])", user)
        self.fill("input[type=password]", password)
        self.browser.run("document.querySelector('form button, form input[type=submit]').click()")
        self.wait_for(marked("history_panel"))

    def show(self, place: str) -> None:
        """Go to a place of the UI, without loading it anew."""
        self.browser.run("window.location.hash = arguments[0]", f"#{place}")

    def click(self, place: str) -> None:
        """Press something, once it is there."""
        self.wait_for(place)
        self.browser.run("document.querySelector(arguments[0]).click()", place)

    def press(self, label: str) -> None:
        """Press the button with that label, once it is there and can be pressed."""
        script = (
            "const found = [...document.querySelectorAll('input[type=button], button')]"
            ".find(one => (one.value || one.innerText) === arguments[0] && !one.disabled);"
            "if (found) found.click(); return Boolean(found)"
        )
        self._until(lambda: self.browser.run(script, label), f"the button {label}")

    def fill(self, place: str, text: str) -> None:
        """Type into a field, once it is there."""
        self.wait_for(place)
        self.browser.run(FILL, place, text)

    def wait_for(self, place: str) -> None:
        """Wait until something is there."""
        self._until(lambda: self.browser.run("return !!document.querySelector(arguments[0])", place), place)

    def see(self, *texts: str) -> None:
        """Wait until all of these texts are shown."""
        self._until(lambda: all(text in self.text for text in texts), repr(texts))

    def see_in(self, place: str, text: str) -> None:
        """Wait until a text is shown in one place."""
        script = "return document.querySelector(arguments[0])?.innerText.includes(arguments[1])"
        self._until(lambda: self.browser.run(script, place, text), f"{text!r} in {place}")

    def see_picture(self, path: str) -> None:
        """Wait until a picture of that path is shown."""
        script = (
            "return [...document.images].some(one => one.src.endsWith(arguments[0]) && one.naturalWidth > 0)"
        )
        self._until(lambda: self.browser.run(script, path), f"the picture {path}")

    @property
    def text(self) -> str:
        """All that is shown."""
        return str(self.browser.run("return document.body.innerText"))

    def asked(self) -> list[tuple[str, Any]]:
        """Return each request so far, its ids as `ID`, with its body."""
        noted = self.browser.run("return window.asked")
        return [
            (_ID.sub("ID", f"{method} {url.removeprefix(self._url)}"), body) for method, url, body in noted
        ]

    def _until(self, met: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not met():
            assert time.monotonic() < deadline, f"{what} is not seen in:\n{self.text}"
            time.sleep(0.1)

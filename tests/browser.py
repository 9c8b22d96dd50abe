"""Chromium without a window, driven by its WebDriver: a page at any size, in light or in dark."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

HEADLESS = ("--headless=new", "--no-sandbox", "--no-proxy-server", "--hide-scrollbars", "--disable-gpu")
SECONDS = 60


class Browser:
    """One window, in a `with` block."""

    def __enter__(self) -> Browser:
        port = _free_port()
        argv = ["chromedriver", f"--port={port}", "--log-level=SEVERE"]
        self._driver = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        self._session = requests.Session()
        self._session.trust_env = False
        self._url = f"http://127.0.0.1:{port}"
        try:
            self._wait()
            options = {"goog:chromeOptions": {"args": HEADLESS}, "pageLoadStrategy": "normal"}
            made = self._post("/session", {"capabilities": {"alwaysMatch": options}})
        except BaseException:
            self._end()
            raise
        self._url += f"/session/{made['sessionId']}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._session.delete(self._url, timeout=SECONDS)
        finally:
            self._end()

    def open(self, url: str) -> None:
        """Show *url*, and return once it is loaded."""
        self._post("/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        """Return what the body of a function, *script*, returns on the page."""
        return self._post("/execute/sync", {"script": script, "args": list(arguments)})

    def before_scripts(self, script: str) -> None:
        """Have *script* run in each page before its own scripts."""
        self._devtools("Page.addScriptToEvaluateOnNewDocument", {"source": script})

    def resize(self, width: int, height: int) -> None:
        """Show pages as on a screen of *width* times *height* pixels."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._devtools("Emulation.setDeviceMetricsOverride", screen)

    def prefer(self, scheme: str) -> None:
        """Show pages to a reader who prefers the colour *scheme*, `light` or `dark`."""
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", {"features": wanted})

    def picture(self, path: Path) -> None:
        """Write what is shown to *path*, as PNG."""
        taken = self._devtools("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def _devtools(self, command: str, words: dict[str, object]) -> Any:
        return self._post("/goog/cdp/execute", {"cmd": command, "params": words})

    def _post(self, path: str, body: dict[str, object]) -> Any:
        answer = self._session.post(f"{self._url}{path}", json=body, timeout=SECONDS).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{answer['error']}: {answer['message']}")
        return answer

    def _wait(self) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if self._session.get(f"{self._url}/status", timeout=SECONDS).json()["value"]["ready"]:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise TimeoutError("chromedriver does not answer")

    def _end(self) -> None:
        self._driver.terminate()
        self._driver.wait(SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A real Chromium, driven over its own debugging protocol: open a page, click, type, look. No driver to install."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

#: How long a page may take before a test fails.
PATIENCE_SECONDS = 30


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._calls = 0
        self.errors: list[str] = []
        """What the browser complained about: scripts, refused content."""
        self.clicks: list[str] = []
        """What was clicked with the mouse, in order."""
        self.filled: list[str] = []
        """Inputs that were typed, selected, ticked or given a file."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE_SECONDS))
            if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"]["text"])
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(message["params"]["exceptionDetails"].get("text")))
            if message.get("id") == self._calls:
                assert "error" not in message, (method, message["error"])
                return dict(message["result"])

    def run(self, script: str) -> Any:
        """Value of a script in the page, asked by the test and not by the page, so that no policy stops it."""
        reply = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def sign_in(self, url: str, token: str) -> None:
        """Have the session cookie of Airflow."""
        self._call("Network.setCookie", name="_token", value=token, url=url)

    def open(self, url: str) -> None:
        """Go to an address and wait until it is there."""
        self._go(lambda: self._call("Page.navigate", url=url))

    def click(self, selector: str) -> None:
        """Click an element with the mouse, where it stands, and wait for the page that follows."""
        place = self.run(f"""(() => {{ const e = document.querySelector({selector!r}); if (!e) return null;
            e.scrollIntoView({{block: "center"}}); const r = e.getClientRects()[0];
            return [r.x + r.width / 2, r.y + r.height / 2]; }})()""")
        assert place, f"nothing to click: {selector} in {self.text()[:500]}"
        self.clicks.append(selector)
        where = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}

        def press() -> None:
            self._call("Input.dispatchMouseEvent", type="mousePressed", **where)
            self._call("Input.dispatchMouseEvent", type="mouseReleased", **where)

        self._go(press)

    def fill(self, selector: str, value: str) -> None:
        """Put a value into an input or select."""
        done = self.run(f"""(() => {{ const e = document.querySelector({selector!r}); if (!e) return false;
            e.value = {value!r}; return e.value === {value!r}; }})()""")
        assert done, f"cannot fill {selector} with {value}"
        self.filled.append(selector)

    def click_label(self, within: str, label: str) -> None:
        """Click the link or button with these words inside of an element."""
        found = self.run(f"""(() => {{ const e = [...document.querySelectorAll({within!r})].flatMap(
            o => [...o.querySelectorAll("a, button")]).find(e => e.innerText.trim() === {label!r});
            if (e) e.dataset.pick = "here"; return !!e; }})()""")
        assert found, f"no {label!r} in {within}: {self.text()[:1500]}"
        self.click("[data-pick=here]")

    def attach(self, selector: str, file: Path) -> None:
        """Choose a file for an upload."""
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)
        self.filled.append(selector)

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        code = {"key": key, "text": key, "windowsVirtualKeyCode": ord(key)}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, **code)

    def text(self) -> str:
        """What is to be read on the page."""
        return str(self.run("document.body.innerText"))

    def picture(self, file: Path, height: int = 1500) -> None:
        """Save how the page looks."""
        size = {"width": 1320, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        time.sleep(0.3)
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _go(self, act: Any) -> None:
        self.run("window.left = true")
        act()
        for _ in range(PATIENCE_SECONDS * 10):
            time.sleep(0.1)
            try:
                if self.run("!window.left && document.readyState === 'complete'"):
                    return
            except AssertionError:  # between two pages
                continue
        raise AssertionError("the page did not change")


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A tab of a fresh browser, in a profile of its own."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "chromium is not installed"
    browser = subprocess.Popen(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--lang=zh-CN",
            "--remote-debugging-port=0", f"--user-data-dir={folder}", "--window-size=1320,1500", "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port_file = folder / "DevToolsActivePort"
        for _ in range(PATIENCE_SECONDS * 10):
            if port_file.exists() and port_file.read_text().count("\n"):
                break
            time.sleep(0.1)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE_SECONDS) as reply:
            tab = next(tab for tab in json.load(reply) if tab["type"] == "page")
        with connect(tab["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Page(socket)
    finally:
        browser.terminate()
        browser.wait(timeout=PATIENCE_SECONDS)

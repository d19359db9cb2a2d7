"""Chromium without a window, cut off from the network, and what pages asked of it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--hide-scrollbars",
    # Nothing leaves the machine, whatever a page or the browser itself asks for; the log has it all the same.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Browser:
    """Opens a page; what the page itself asked for stands in `requests` afterwards."""

    def __init__(self, program, folder):
        self.program, self.folder, self.requests = program, folder, None

    def run(self, page, *flags):
        """What Chromium prints."""
        log = self.folder / "net.json"
        done = subprocess.run(
            [
                self.program,
                *FLAGS,
                f"--user-data-dir={self.folder / 'profile'}",
                f"--log-net-log={log}",
                *flags,
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr[-500:]
        events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
        # The browser's own requests (its clock, its updates) have no page as their initiator.
        self.requests = {
            entry["url"]
            for entry in events
            if entry.get("initiator", "not an origin") != "not an origin"
            and entry.get("url", "").startswith(("http", "ws"))
        }
        return done.stdout

    def dom(self, page):
        """The document after scripts and handlers have run."""
        return self.run(page, "--dump-dom")

    def shot(self, page, *, width=1040, height=1200, dark=False):
        """The page as PNG."""
        target = self.folder / "shot.png"
        scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
        self.run(page, f"--screenshot={target}", f"--window-size={width},{height}", *scheme)
        return target.read_bytes()


@pytest.fixture
def browser(tmp_path):
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: expected one of {', '.join(NAMES)}; on Debian: apt-get install chromium")
    return Browser(program, tmp_path)

"""A whole running exchange, as `make run` starts it: gateway, site, jobs, PostgreSQL, S3, with the demo market in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.services import SEAL, free_port
from tests.stand_in_stripe import KEY, SECRET, StandIn

ROOT = Path(__file__).resolve().parents[1]
OWN = (
    "DATABASE_URL",
    "S3_ENDPOINT_URL",
    "S3_BUCKET",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "SECRET_KEY",
    *SEAL,
)


class Answer:
    """What an HTTP call gave."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status_code, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Live:
    """One instance on a port and a home of its own."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="nkd-live-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stripe = StandIn()
        self._tokens: dict[str, str] = {}
        self.log = self.home.with_suffix(".log")

    @property
    def env(self) -> dict[str, str]:
        """The environment of this instance alone."""
        kept = {k: v for k, v in os.environ.items() if k not in OWN and not k.startswith(("TESTS_", "PYTEST_"))}
        own = {"PORT": str(self.port), "EXCHANGE_HOME": str(self.home)}
        stripe = {"STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": self.stripe.base}
        return kept | own | stripe

    def start(self, seconds: float = 90) -> None:
        """Run it and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exchange"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            if self.get("/readyz").status_code == 200:
                return
            time.sleep(0.1)
        raise RuntimeError("the exchange did not become ready:\n" + self.log.read_text(errors="replace")[-3000:])

    def stop(self) -> None:
        """Stop it and remove its home."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        finally:
            self.stripe.stop()
            shutil.rmtree(self.home, ignore_errors=True)
            self.log.unlink(missing_ok=True)

    def flask(self, *arguments: str) -> str:
        """The standard output of a command of the application."""
        command = [str(Path(sys.executable).parent / "flask"), "--app", "wsgi", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def token(self, who: str) -> str:
        """An API token of a demo member (`city`, `buyer`, `admin`, …)."""
        if who not in self._tokens:
            email = f"{who}@demo.exchange.example"
            self._tokens[who] = self.flask("tokens", "issue", "--email", email, "--name", "story").strip()
        return self._tokens[who]

    def get(self, path: str, **options: Any) -> Answer:
        """GET without a token."""
        return self.request("GET", path, **options)

    def call(self, who: str | None, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One API call as a demo member."""
        headers = dict(options.pop("headers", {}))
        if who:
            headers["Authorization"] = f"Bearer {self.token(who)}"
        data = options.pop("data", None)
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        return self.request(method, "/api/v1" + path, data=data, headers=headers, **options)

    def request(
        self, method: str, path: str, *, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One HTTP call; refusals are answers, too."""
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, dict(refusal.headers), refusal.read())
        except OSError:
            return Answer(0, {}, b"")

    def until(self, ask: Any, holds: Any, seconds: float = 20) -> Any:
        """Ask again until something holds, or time is up; the last answer."""
        end = time.monotonic() + seconds
        while True:
            answer = ask()
            if holds(answer) or time.monotonic() > end:
                return answer
            time.sleep(0.2)

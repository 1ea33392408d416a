"""Metrics in Prometheus' text format: requests over all processes, jobs, and what the chapters watch.

Each web process counts in a file of its own, which prometheus-client adds up when asked; without that, every scrape
would see whichever process happened to answer. The folder must be named before the library is loaded.
"""

import os
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request

from exchange.config import config
from exchange.jobs import JobRun
from exchange.web.watch import Reading


def _folder() -> str:
    folder = config().home / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        if not _lives(file):
            file.unlink(missing_ok=True)
    return str(folder)


def _lives(file: Path) -> bool:
    """Whether the process that a counter file belongs to is still there."""
    try:
        os.kill(int(file.stem.rpartition("_")[2]), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


os.environ["PROMETHEUS_MULTIPROC_DIR"] = _folder()

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest  # noqa: E402 (see above)
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

REQUESTS = Counter("exchange_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "exchange_request_seconds",
    "Seconds until the answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def install(app: Flask) -> None:
    """Count every answer."""

    @app.after_request
    def count(response: Response) -> Response:
        route = request.endpoint or "none"
        if route != "static":
            method = request.method if request.method in METHODS else "other"
            REQUESTS.labels(method, route, str(response.status_code)).inc()
            SECONDS.labels(route).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response


class _Readings:
    """Readings and jobs as gauges."""

    def __init__(self, readings: Sequence[Reading], runs: Iterable[tuple[str, JobRun | None]], at: datetime) -> None:
        self.readings, self.runs, self.at = readings, list(runs), at

    def collect(self) -> Iterable[Any]:
        """One family a name, as the format wants it."""
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self.readings:
            if reading.value is None:
                continue
            labels = [name for name, _ in reading.labels]
            family = families.setdefault(reading.name, GaugeMetricFamily(reading.name, reading.name, labels=labels))
            family.add_metric([value for _, value in reading.labels], reading.value)
        yield from families.values()
        yield from self._jobs()

    def _jobs(self) -> Iterable[Any]:
        age = GaugeMetricFamily("exchange_job_success_age_seconds", "Seconds since a job last worked.", labels=["job"])
        failures = GaugeMetricFamily("exchange_job_failures", "Failures in a row.", labels=["job"])
        for name, run in self.runs:
            if run is not None and run.succeeded_at is not None:
                age.add_metric([name], max(0.0, (self.at - run.succeeded_at).total_seconds()))
            failures.add_metric([name], run.failures if run else 0)
        return age, failures


def exposition(readings: Sequence[Reading], runs: Iterable[tuple[str, JobRun | None]], at: datetime) -> bytes:
    """Everything, in the text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Readings(readings, runs, at))
    return bytes(generate_latest(registry))

"""What every test may ask for: real services, a fresh database, a client, and people with names."""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services import Services, configure_process, fresh_database, is_emptied, make_template

SERVICES = pytest.StashKey[Services]()
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_configure(config: pytest.Config) -> None:
    """Start the services in the controlling process; its workers inherit where they are."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        services = config.stash[SERVICES] = Services()
        services.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    if SERVICES in config.stash:
        config.stash[SERVICES].stop()


@pytest.fixture(scope="session")
def app() -> Iterator[Any]:
    """The house, on a database and a home of this worker's own."""
    home = configure_process(WORKER)
    from sqlalchemy import create_engine

    import wsgi
    from exchange import database

    def build(url: str) -> None:
        engine = create_engine(url)
        database.Base.metadata.create_all(engine)
        engine.dispose()

    make_template(build)
    fresh_database(WORKER)
    wsgi.app.config["TESTING"] = True
    wsgi.app.config["PROPAGATE_EXCEPTIONS"] = False
    yield wsgi.app
    database.dispose()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def db(app: Any) -> Iterator[Any]:
    """An empty database and the session on it."""
    from exchange import database
    from exchange.identity import throttle

    database.session.remove()
    if not is_emptied(WORKER):
        database.dispose()
        fresh_database(WORKER)
    throttle._held.clear()
    # No application context around the test: Flask would keep `g`, and with it who is signed in, between requests.
    yield database.session
    database.session.remove()


@pytest.fixture
def client(app: Any, db: Any) -> Any:
    """A browser without scripts: keeps cookies, follows nothing by itself."""
    return app.test_client()


@pytest.fixture
def world(app: Any, db: Any) -> Any:
    """People and organizations who act through the same doors as everybody."""
    from tests.world import World

    return World(app)


@pytest.fixture(scope="session")
def holders_machines() -> Iterator[Any]:
    """A holder's own store, and STS and IAM beside it."""
    from tests.holder import Holder

    machines = Holder()
    machines.start()
    yield machines
    machines.stop()


@pytest.fixture
def holder(holders_machines: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The same, everything allowed as it should be, and an exchange told where they are."""
    from exchange import sts
    from exchange.config import config

    holders_machines.reset()
    monkeypatch.setenv("BUCKETS_ON_PRIVATE_NETWORKS", "1")
    monkeypatch.setenv("STS_ENDPOINT_URL", holders_machines.sts_url)
    monkeypatch.setenv("IAM_ENDPOINT_URL", holders_machines.sts_url)
    config.cache_clear()
    sts.forget()
    yield holders_machines
    monkeypatch.undo()
    config.cache_clear()
    sts.forget()


@pytest.fixture(scope="session")
def live() -> Iterator[Any]:
    """A whole running exchange with the demo market; put tests that use it into the group `live` (see below)."""
    from tests.live import Live

    instance = Live()
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the running exchange stay on one worker, which starts it once."""
    for item in items:
        if "live" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("live"))


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not walk over it thousands of times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say once for each reason what was skipped, and what it would take."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason}")

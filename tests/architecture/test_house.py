"""The house stands: it builds, answers, and every door declares who may come in."""

from __future__ import annotations

from typing import Any


def test_every_route_declares_who_may_come_in(app: Any) -> None:
    undeclared = [r.endpoint for r in app.url_map.iter_rules() if not hasattr(app.view_functions[r.endpoint], "access")]

    assert undeclared == []


def test_the_process_says_that_it_lives(client: Any) -> None:
    assert client.get("/healthz").json == {"status": "ok"}

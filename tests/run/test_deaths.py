"""Whatever dies is named in one line and comes back, with all data; what keeps dying ends the house."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.run.instance import Instance, until

pytestmark = pytest.mark.xdist_group("run")


@pytest.mark.parametrize("name", ["postgres", "s3", "gateway", "site", "clock", "worker"])
def test_a_killed_child_is_named_and_comes_back(running: Instance, name: str) -> None:
    pid = running.children()[name]
    os.kill(pid, signal.SIGKILL)

    assert until(lambda: running.children().get(name, pid) != pid, 15), running.said()
    assert f"{name} died (code -9); restarting it" in running.said().splitlines()
    assert until(lambda: running.get("/readyz")[0] == 200, 15), running.said()
    assert running.rows_kept() == 1
    assert until(
        lambda: running.get("/objects/none?x-grant=g1")[0] == 400, 5
    )  # the gate lets it pass, and the store misses a signature


def test_what_keeps_dying_ends_the_house(instance: Any) -> None:
    exchange = instance(TOY_CLOCK="dies")
    exchange.launch()
    assert exchange.process.wait(40) == 1
    assert exchange.said().splitlines()[-1] == "stopped: clock died 6 times within a minute (last code 3); stopping"
    assert exchange.left() == []

"""Instances to start and to kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.run.instance import Instance


@pytest.fixture
def instance() -> Iterator[Callable[..., Instance]]:
    """Makes instances, and clears them away."""
    made: list[Instance] = []

    def make(**options: object) -> Instance:
        made.append(Instance(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.clear()


@pytest.fixture(scope="module")
def running() -> Iterator[Instance]:
    """One that runs for all tests of a module."""
    one = Instance()
    try:
        one.start()
        yield one
    finally:
        one.clear()

"""What those who run the exchange watch. Chapters register readings in `install(app)`.

One list serves the operations page and the metrics: a number that people look at is the one that alarms ring on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from exchange.errors import Words


@dataclass(frozen=True)
class Reading:
    """One number: its metric name (`exchange_tasks_waiting`), title, value, and whether it is in order."""

    name: str
    title: Words
    value: float | None
    shown: Words
    in_order: bool = True
    note: Words = ""
    labels: tuple[tuple[str, str], ...] = ()


Source = Callable[[datetime], list[Reading]]
_sources: list[Source] = []


def source(read: Source) -> Source:
    """Register `f(at)` that takes readings."""
    if read not in _sources:
        _sources.append(read)
    return read


def readings(at: datetime) -> list[Reading]:
    """Every reading, taken now."""
    return [reading for read in _sources for reading in read(at)]

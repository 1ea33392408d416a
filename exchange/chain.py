"""Hash chains: each seal is SHA-256 over the seal before it and what it seals, in canonical JSON.

Who keeps rows that nobody may change keeps their seals too; this says only how a seal follows from the one before.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

GENESIS = "0" * 64


class Linked(Protocol):
    """Something with a place in a chain, counted from 1."""

    @property
    def place(self) -> Any: ...
    @property
    def seal(self) -> Any: ...


L = TypeVar("L", bound=Linked)


def seal_after(before: str, place: int, body: Sequence[Any]) -> str:
    """The seal of a body at its place, after the seal `before`."""
    words = json.dumps([before, place, *body], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()


def sealed(bodies: Iterable[Sequence[Any]], *, place: int, before: str) -> Iterator[tuple[int, str]]:
    """Place and seal of each body in turn, after the one that stands at `place`."""
    for body in bodies:
        place, before = place + 1, seal_after(before, place + 1, body)
        yield place, before


def first_broken(links: Iterable[tuple[L, Sequence[Any]]]) -> L | None:
    """The first of a whole chain, in order of places, that does not follow from the one before it; None if all do."""
    before, expected = GENESIS, 1
    for link, body in links:
        if link.place != expected or link.seal != seal_after(before, expected, body):
            return link
        before, expected = str(link.seal), expected + 1
    return None

"""Where a lower page shows an upper fact: upper chapters fill named slots when the house is put together."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

Filler = Callable[..., str | Markup | None]

_fillers: dict[str, list[Filler]] = defaultdict(list)


def fill(name: str, filler: Filler) -> None:
    """Let `filler(**context)` add its piece of HTML to a slot; filling twice with the same function changes nothing."""
    if filler not in _fillers[name]:
        _fillers[name].append(filler)


def slot(name: str, **context: Any) -> Markup:
    """The pieces of a slot, one after the other; empty where nobody fills it."""
    pieces = (filler(**context) for filler in _fillers[name])
    return Markup("").join(Markup(piece) for piece in pieces if piece)  # fillers render autoescaped templates

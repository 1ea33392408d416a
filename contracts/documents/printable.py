"""Which characters the documents can print. A deal that cannot be printed is refused when it is typed, not when signed.

The house brings IPAexGothic, which has no 𠮷, no emoji and no Hangul; an archive PDF refuses a missing glyph. Where the
machine has Noto Sans CJK installed, it is used besides, and then prints 𠮷.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from exchange.errors import Invalid, Words, text

INSTALLED = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc"),
)
GETA = "〓"  # what printers set for a character they do not have
NAMED_MAX = 5
# Tab and line feed are layout; every other control, format and private character is refused (among them the marks
# that turn text around, with which a contract could be made to read other than it is).
LAYOUT = frozenset("\n\t")
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


@lru_cache(maxsize=1)
def font_files() -> tuple[Path, ...]:
    """The font files documents are set in: ours first, an installed Noto Sans CJK besides."""
    package = find_spec("matplotlib_fontja")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package matplotlib-fontja, which carries the font of the documents, is missing")
    ours = Path(package.submodule_search_locations[0]) / "fonts" / "ipaexg.ttf"
    return (ours, *[path for path in INSTALLED if path.exists()][:1])


@lru_cache(maxsize=1)
def _printable() -> frozenset[int]:
    from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]  # costs 0.1 s, needed once

    found: set[int] = set()
    for path in font_files():
        if path.suffix == ".ttc":
            found |= TTCollection(str(path), lazy=True).fonts[0].getBestCmap().keys()
        else:
            found |= TTFont(str(path), lazy=True).getBestCmap().keys()
    return frozenset(found)


def unprintable(value: str) -> list[str]:
    """The characters of a text that cannot be printed, each once, in order."""
    known = _printable()
    return [
        c
        for c in dict.fromkeys(value)
        if c not in LAYOUT and (unicodedata.category(c) in REFUSED_CATEGORIES or ord(c) not in known)
    ]


def complaint(value: str) -> Words | None:
    """Why a text cannot stand in a document, naming the characters; None when it can."""
    found = unprintable(value)
    if not found:
        return None
    named = "、".join(f"「{c}」(U+{ord(c):04X})" if c.isprintable() else f"U+{ord(c):04X}" for c in found[:NAMED_MAX])
    return text(
        "契約書に印刷できない文字が含まれています：%(characters)s。別の文字で書いてください。", characters=named
    )


def require(fields: Mapping[str, str | None]) -> None:
    """Refuse texts that cannot be printed, all at once; raises `Invalid`."""
    errors = {name: [why] for name, value in fields.items() if value and (why := complaint(value))}
    if errors:
        raise Invalid(errors)


def printed(value: str) -> str:
    """A text from elsewhere (a name, a title) as it can be printed: 〓 for a character that cannot."""
    missing = set(unprintable(value))
    return "".join(GETA if c in missing else c for c in value) if missing else value

"""The English catalogue: every Japanese message of code and templates, and whether each has its English words.

Messages are written in Japanese where they are used; `translations/en` holds the English. A message that is not
Japanese (SQL given to a function that happens to be called `text`) is no message.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "translations" / "en" / "LC_MESSAGES" / "messages.po"
SOURCES = ("exchange", "listings", "contracts", "delivery", "settlement", "recognition", "demo", "templates")
KEYWORDS = {name: None for name in ("_", "_l", "N_", "gettext", "text", "words")} | {"ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
JAPANESE = re.compile(r"[぀-ヿ㐀-鿿＀-￯]")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def messages() -> dict[str, set[str]]:
    """Every Japanese message in use, with the files that use it."""
    found: dict[str, set[str]] = {}
    for folder in SOURCES:
        for name, _, message, _, _ in extract_from_dir(ROOT / folder, METHODS, OPTIONS, keywords=KEYWORDS):
            for one in message if isinstance(message, tuple) else (message,):
                if isinstance(one, str) and JAPANESE.search(one):
                    found.setdefault(one, set()).add(f"{folder}/{name}")
    return found


def catalogue() -> Catalog:
    """The English catalogue as it stands."""
    if not CATALOG.exists():
        return _empty()
    with CATALOG.open("rb") as file:
        return read_po(file, locale="en")


def _empty() -> Catalog:
    header = "# The English words of Nakadachi's pages and messages."
    return Catalog(locale="en", project="Nakadachi", header_comment=header, fuzzy=False)


def update() -> int:
    """Write the catalogue anew: words in use, translations kept, the rest dropped; how many lack English words."""
    old, new = catalogue(), _empty()
    for message, files in sorted(messages().items()):
        before = old.get(message)
        flags = ["python-format"] if PLACEHOLDER.search(message) else []
        places: list[Any] = [(file, None) for file in sorted(files)]
        new.add(message, before.string if before else "", locations=places, flags=flags)
    CATALOG.parent.mkdir(parents=True, exist_ok=True)
    with CATALOG.open("wb") as file:
        write_po(file, new, width=110)
    return len([m for m in new if m.id and not m.string])


def faults() -> list[str]:
    """What is wrong with the catalogue: messages without English words, other placeholders, words nobody uses."""
    used, known = messages(), {str(m.id): str(m.string) for m in catalogue() if m.id}
    missing = [f"no English for: {message}" for message in sorted(used) if not known.get(message)]
    unused = [f"nobody uses: {message}" for message in sorted(known) if message not in used]
    unlike = [
        f"other placeholders than: {message}"
        for message, english in sorted(known.items())
        if english and set(PLACEHOLDER.findall(message)) != set(PLACEHOLDER.findall(english))
    ]
    japanese = [f"still Japanese: {english}" for english in known.values() if re.search("[぀-ヿ]", english)]
    return [*missing, *unused, *unlike, *japanese]


def compile_() -> None:
    """Write the machine form that the site reads, unless it is newer than the catalogue."""
    target = CATALOG.with_suffix(".mo")
    if not CATALOG.exists() or (target.exists() and target.stat().st_mtime >= CATALOG.stat().st_mtime):
        return
    with target.open("wb") as file:
        write_mo(file, catalogue())


if __name__ == "__main__":
    import sys

    if sys.argv[1:] == ["update"]:
        print(f"{update()} messages without English words")
    elif sys.argv[1:] == ["compile"]:
        compile_()
    elif problems := faults():
        sys.exit("\n".join(problems))

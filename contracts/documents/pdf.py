"""The contract and the certificate of deletion as PDFs, for reading and for the archive: PDF/A-2a, tagged, fonts inside."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from contracts.documents.printable import font_files

CONTRACT, DELETION = (Path(__file__).with_name(name) for name in ("contract.typ", "deletion.typ"))
FONTS = ("IPAexGothic", "Noto Sans CJK JP")


def pdf(sheet: dict[str, Any]) -> bytes:
    """The PDF of a sheet made by `sheets.sheet`. Takes some 20 ms."""
    return _set(CONTRACT, sheet)


def deletion(sheet: dict[str, Any]) -> bytes:
    """The PDF of a sheet made by `deletion.sheet`."""
    return _set(DELETION, sheet)


def _set(source: Path, sheet: dict[str, Any]) -> bytes:
    given = sheet | {"fonts": list(FONTS[: len(font_files())])}
    made = typst.compile(
        str(source),
        format="pdf",
        font_paths=_fonts(),
        ignore_system_fonts=True,
        pdf_standards=["a-2a"],
        sys_inputs={"sheet": json.dumps(given, ensure_ascii=False)},
    )
    assert isinstance(made, bytes)
    return made


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The fonts, found once a process; typst looks into folders, not at files."""
    folders = dict.fromkeys(str(path.parent) for path in font_files())
    return typst.Fonts(include_system_fonts=False, font_paths=list(folders))

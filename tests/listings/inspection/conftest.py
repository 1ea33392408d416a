"""Files that the tests write themselves, and one way to have them read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from listings.inspection import Inspection, inspect

Read = Callable[..., Inspection]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read("name.csv", b"…") writes the file and inspects it."""
    count = 0

    def reading(name: str, content: bytes | str, media_type: str = "", encoding: str = "utf-8") -> Inspection:
        nonlocal count
        count += 1
        room = tmp_path / str(count)
        room.mkdir()
        path = room / "upload"
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        workdir = room / "work"
        workdir.mkdir()
        return inspect(path, name, media_type, workdir=workdir)

    return reading

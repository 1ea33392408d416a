"""Files of municipalities and companies as they are published, where a copy lies beside the repository."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from listings.inspection import inspect

BESIDE = Path(__file__).resolve().parents[3].parent / "shared" / "data"
DATA = Path(os.environ.get("EXCHANGE_SAMPLE_DATA", BESIDE))
EVERY = 1 if os.environ.get("EXCHANGE_SAMPLE_DATA") else 24  # all of them take a minute
TABLES = {"csv", "xlsx", "xls", "geojson"}


def manifest():
    if not (DATA / "MANIFEST.csv").is_file():
        return []
    with (DATA / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] in ("municipal", "company", "broken")]
    return [row for place, row in enumerate(rows) if row["kind"] == "broken" or place % EVERY == 0]


@pytest.mark.skipif(not manifest(), reason=f"no sample data at {DATA}: set EXCHANGE_SAMPLE_DATA")
def test_published_files_are_read_as_their_manifest_counts_them(tmp_path):
    outcomes: Counter[str] = Counter()
    wrong = []
    for place, row in enumerate(manifest()):
        path = DATA / row["file"]
        if not path.is_file():
            continue
        workdir = tmp_path / str(place)
        workdir.mkdir()
        found = inspect(path, path.name, "", workdir=workdir)
        outcomes[found.outcome] += 1
        is_table = path.suffix[1:] in TABLES and found.outcome == "ready"
        if is_table and (found.rows is None or not found.parquet or found.sha256 != row["sha256"]):
            wrong.append(row["file"])
    assert not wrong
    assert outcomes["refused"] == 2  # the error page and the empty workbook
    assert outcomes["ready"] == sum(outcomes.values()) - 2

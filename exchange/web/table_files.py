"""Tables as files for spreadsheets."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from flask import Response

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def csv_answer(name: str, head: list[str], lines: Iterable[list[Any]]) -> Response:
    """A table that spreadsheets open with Japanese intact, and without taking text for formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in line] for line in lines)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + out.getvalue(), mimetype="text/csv", headers=headers)


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value

"""Answers that are files: documents, transfer files, journals; the same for people and programs."""

from collections.abc import Iterable

from flask import Response

from settlement import journal, queries
from settlement.models import PayoutBatch


def file_response(content: bytes, media_type: str, name: str) -> Response:
    """A file to keep."""
    return Response(content, mimetype=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def batch_response(batch: PayoutBatch) -> Response:
    """A transfer file as it was made."""
    name = f"sogofurikomi-{batch.transfer_on:%Y%m%d}.txt"
    answer = file_response(batch.content, "text/plain", name)
    answer.headers["Content-Type"] = "text/plain; charset=Shift_JIS"
    return answer


def csv_response(month: str, encoding: str = "utf-8") -> Response:
    """A month's journal as CSV, in UTF-8 or Shift_JIS."""
    content = journal.encoded(journal.as_csv(queries.month_entries(month)), encoding)
    answer = file_response(content, "text/csv", f"journal-{month}.csv")
    answer.headers["Content-Type"] = f"text/csv; charset={'Shift_JIS' if encoding == 'shift_jis' else 'utf-8'}"
    return answer


def hledger_response() -> Response:
    """The whole journal, accounts and commodity declared."""
    lines = journal.as_hledger([found.account for found in queries.accounts()], queries.entries_between())
    return text_response(lines, "text/plain", "journal.hledger")


def text_response(lines: Iterable[str], media_type: str, name: str) -> Response:
    """Lines as a file to keep, in UTF-8."""
    return file_response("".join(lines).encode(), media_type, name)

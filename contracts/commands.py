"""The chapter's command line: `contracts verify FILE.pdf`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from contracts.documents.verdict import PDF_BYTES_MAX, Finding, Verdict

contracts = AppGroup("contracts", help="Contracts and their documents.")
WORDS = {
    Finding.NOT_A_PDF: "not a PDF",
    Finding.NO_SEAL: "no seal: a draft, a PDF made anew, or none of this exchange",
    Finding.FOREIGN: "sealed by someone else, not by this exchange",
    Finding.CHANGED: "changed after it was sealed",
    Finding.EXTENDED: "something was added after it was sealed",
    Finding.NO_CONTRACT: "sealed by this exchange, but no contract",
    Finding.BROKEN: "broken: it cannot be read as a PDF",
}


@contracts.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
def verify(file: Path) -> None:
    """Say in one line whether FILE is a contract as this exchange sealed it; exit code 0 if so, else 1."""
    from contracts.documents import seal

    try:
        size = file.stat().st_size
        verdict = seal.verify(file.read_bytes()) if size <= PDF_BYTES_MAX else None
    except OSError as error:
        click.echo(f"cannot read {file}: {error.strerror}", err=True)
        sys.exit(1)
    click.echo(_said(verdict) if verdict else f"not a contract of this exchange: larger than {PDF_BYTES_MAX:,} bytes")
    sys.exit(0 if verdict and verdict.is_genuine else 1)


def _said(verdict: Verdict) -> str:
    if not (verdict.mark and verdict.sealed_at):
        return WORDS[verdict.finding]
    mark, at = verdict.mark, verdict.sealed_at.isoformat()
    what = f"contract {mark.number}, version {mark.version}, content SHA-256 {mark.sha256}"
    return f"genuine and unchanged: {what}, sealed {at} by {verdict.sealed_by}"

"""Work of the background: reading uploads, deleting what was taken out, sweeping, ending wants."""

from datetime import datetime
from typing import Any

from exchange import jobs
from exchange.errors import N_
from listings import actions


@jobs.handler("inspect-file")
def inspect_file(payload: dict[str, Any], *, at: datetime) -> None:
    """Read one upload."""
    actions.read(payload["file_id"], at=at)


@jobs.handler("discard-file")
def discard_file(payload: dict[str, Any], *, at: datetime) -> None:
    """Delete the bytes of a file that was taken out of its draft."""
    actions.discard(payload["file_id"], at=at)


@jobs.handler("seal-recalled-file")
def seal_recalled_file(payload: dict[str, Any], *, at: datetime) -> None:
    """Move a recalled file away from the links already issued."""
    actions.seal_away(payload["file_id"], at=at)


@jobs.periodic("sweep-uploads", seconds=900, title=N_("完了しなかったアップロードの整理"))
def sweep_uploads(*, at: datetime) -> None:
    """Take out files that were announced and never arrived within a day."""
    actions.sweep_uploads(at=at)


@jobs.periodic("end-overdue-wants", seconds=3600, title=N_("期限を過ぎた募集の終了"))
def end_overdue_wants(*, at: datetime) -> None:
    """Close wants whose last day is over."""
    actions.end_overdue_wants(at=at)


@jobs.handler("check-place")
def check_place(payload: dict[str, Any], *, at: datetime) -> None:
    """Look at a holder's storage place over the wire."""
    actions.check_place(payload["place_id"], at=at)


@jobs.periodic("check-places", seconds=3_600, title=N_("提供者の保管場所の確認"))
def check_places(*, at: datetime) -> None:
    """Have storage places looked at again a day after the last time."""
    actions.check_places(at=at)

"""Timed work: requests lapse, terms end."""

from datetime import datetime

from contracts import actions
from exchange.errors import text
from exchange.jobs import periodic


@periodic("expire-requests", seconds=60, title=text("期限の過ぎた申込みを失効させる"))
def expire_requests(*, at: datetime) -> None:
    """Lapse the requests that nobody answered in time."""
    actions.expire_unanswered(at=at)
    actions.warn_of_lapse(at=at)


@periodic("end-contracts", seconds=20, title=text("期間の満了した契約を終了させる"))
def end_contracts(*, at: datetime) -> None:
    """End the contracts whose term or cure period is over."""
    actions.end_finished(at=at)


@periodic("remind-of-contracts", seconds=600, title=text("契約の更新と消去の期限を知らせる"))
def remind(*, at: datetime) -> None:
    """Tell of terms that will renew, and of deletions that are late."""
    actions.tell_of_renewals(at=at)
    actions.remind_of_deletion(at=at)

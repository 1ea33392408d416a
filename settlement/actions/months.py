"""Invoices as they fall due, and months that are closed."""

from datetime import datetime

import delivery.actions
import delivery.queries
from exchange import audit, clock, database, jobs
from exchange.config import config
from exchange.database import session
from exchange.errors import N_, WrongState, text
from exchange.identity.models import Member
from settlement import invoicing, queries
from settlement.actions.locks import only_finance
from settlement.charges import Pair
from settlement.models import Period


class LogBehind(WrongState):
    """A month is closed only once the access logs are read to its end."""

    title_ja = N_("アクセスログの読み取りが月末まで進んでいません")


def issue_what_is_due(*, at: datetime) -> int:
    """Invoice one-off prices of contracts that became active; asked by the clock and by whoever looks."""
    return invoicing.issue_activations(at=at)


def close_month(month: str, *, by: Member, at: datetime) -> queries.Month:
    """open → closing; a job then invoices the month's charges and closes it. Closing twice changes nothing.

    Raises `WrongState` for the running month and later ones, `LogBehind` while the month's usage is not all read.
    """
    only_finance(by)
    queries.check_month(month)
    if month >= clock.month_of(at):
        raise WrongState(
            text("終わっていない月は締められません。翌月になってから締めてください。"), state="open", month=month
        )
    database.lock(f"settlement/close/{month}")
    if session.get(Period, month) is None:
        _demand_usage_read(month, at)
        session.add(Period(month=month, state="closing", requested_at=at, requested_by=by.id))
        jobs.enqueue("close-month", {"month": month, "after": None}, at=at, key=f"close/{month}/")
        audit.record("month.close", actor=by.id, subject=f"period/{month}", at=at)
        session.flush()
    return queries.month(month, at=at)


def _demand_usage_read(month: str, at: datetime) -> None:
    """Read what our own gateway wrote until now; delivered logs come when they come."""
    through = delivery.queries.read_through()
    if config().log_source == "gateway" and delivery.actions.read_access_logs(at=at).is_complete:
        through = at
    _, until = clock.month_bounds(month)
    if through is None or through < until:
        raise LogBehind(
            text(
                "この月のアクセスログをまだ最後まで読めていません(%(through)s まで)。読み終えてから締めてください。",
                through=f"{through.astimezone(clock.JST):%Y-%m-%d %H:%M}" if through else "–",
            ),
            state="open",
            month=month,
            read_through=through.isoformat() if through else None,
        )


def continue_close(month: str, *, after: Pair | None, at: datetime) -> Pair | None:
    """One step of closing a month: papers of the next providers and buyers; the pair to go on after, None at the end.

    closing → closed with the last step, which also invoices the fees. Each step is whole or not at all, and repeating
    one changes nothing.
    """
    period = session.get(Period, month, populate_existing=True, with_for_update=True)
    if period is None or period.state == "closed":
        return None
    invoicing.issue_activations(at=at)
    following = invoicing.issue_month(month, after=after, at=at)
    if following is not None:
        payload = {"month": month, "after": list(following)}
        jobs.enqueue("close-month", payload, at=at, key=f"close/{month}/{'/'.join(following)}")
        return following
    invoicing.issue_fees(month, at=at)
    period.state, period.closed_at = "closed", at
    audit.record("month.closed", actor=None, subject=f"period/{month}", at=at)
    return None

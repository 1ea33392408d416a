"""Invoices as they fall due, and months that are closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import delivery.actions
import delivery.queries
from delivery.queries import Awaited
from exchange import audit, clock, database, jobs
from exchange.config import config
from exchange.database import session
from exchange.errors import N_, Invalid, WrongState, text
from exchange.identity.actions import notify_operators
from exchange.identity.models import Member
from settlement import invoicing, queries
from settlement.actions.locks import only_finance
from settlement.charges import Pair
from settlement.models import Period

LOOKS_AGAIN = timedelta(minutes=10)
NAMED_MAX = 20
REASON_LENGTH_MAX = 500


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
    """Read what our own gateway wrote until now; delivered logs come when they come, holders' own see `continue_close`."""
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


def continue_close(
    month: str, *, after: Pair | None, at: datetime, waits: bool = True, told: bool = False
) -> Pair | None:
    """One step of closing a month: papers of the next providers and buyers; the pair to go on after, None at the end.

    closing → closed with the last step, which also invoices the fees. Each step is whole or not at all, and repeating
    one changes nothing. Contracts that await a holder's own log are left out, and the month stays closing: the whole
    is run again every ten minutes until the logs are there, or an accountant no longer `waits`.
    """
    period = session.get(Period, month, populate_existing=True, with_for_update=True)
    if period is None or period.state == "closed":
        return None
    invoicing.issue_activations(at=at)
    awaited = delivery.queries.logs_awaited(month) if waits else []
    following = invoicing.issue_month(month, after=after, at=at, but={each.contract_id for each in awaited})
    how = {"waits": waits, "told": told}
    if following is not None:
        payload = {"month": month, "after": list(following), **how}
        jobs.enqueue("close-month", payload, at=at, key=f"close/{month}/{'/'.join(following)}")
        return following
    invoicing.issue_fees(month, at=at, but={each.provider_id for each in awaited})
    if awaited:
        _wait(month, awaited, told, at)
        return None
    period.state, period.closed_at = "closed", at
    audit.record("month.closed", actor=None, subject=f"period/{month}", at=at)
    return None


def _wait(month: str, awaited: Sequence[Awaited], told: bool, at: datetime) -> None:
    """Run the close once more later, and tell accountants the first time."""
    payload = {"month": month, "after": None, "waits": True, "told": True}
    jobs.enqueue("close-month", payload, at=at + LOOKS_AGAIN, key=f"close/{month}/again/{at.isoformat()}")
    if told:
        return
    numbers = sorted({each.number for each in awaited})
    audit.record("month.wait", actor=None, subject=f"period/{month}", at=at, detail={"contracts": numbers})
    notify_operators(
        roles=["finance"],
        title=text("月の締めが提供者のアクセスログを待っています(%(month)s)", month=month),
        body=text(
            "提供者の保管場所のアクセスログをまだ読めていないため、次の契約の請求を保留しました: %(numbers)s。読み終えると自動で請求し、月を締めます。",
            numbers="、".join(numbers[:NAMED_MAX]) + ("…" if len(numbers) > NAMED_MAX else ""),
        ),
        path=f"/desk/ledger/close/{month}",
        at=at,
    )


def close_without_logs(month: str, *, reason: str, by: Member, at: datetime) -> None:
    """closing → closed soon, without the holders' logs it waits for: what they tell later is an adjustment.

    Refuses a month that waits for none (`WrongState`).
    """
    only_finance(by)
    queries.check_month(month)
    if not 0 < len(reason.strip()) <= REASON_LENGTH_MAX:
        raise Invalid({"reason": [text("理由を%(max)s文字以内で入力してください。", max=REASON_LENGTH_MAX)]})
    database.lock(f"settlement/close/{month}")
    awaited = queries.logs_awaited(month)
    if not awaited:
        words = text("この月の締めは、アクセスログを待っていません。")
        raise WrongState(words, state=queries.month(month, at=at).state, allowed=[])
    payload = {"month": month, "after": None, "waits": False, "told": True}
    jobs.enqueue("close-month", payload, at=at, key=f"close/{month}/now")
    detail = {"reason": reason.strip(), "contracts": sorted({each.number for each in awaited})}
    audit.record("month.close_without_logs", actor=by.id, subject=f"period/{month}", at=at, detail=detail)

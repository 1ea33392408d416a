"""What happens to a contract in force: suspended, resumed, terminated, paid, and ended by time."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts import queries, rules
from contracts.actions import steps
from contracts.models import Contract
from exchange.errors import Invalid, WrongState, text
from exchange.identity.models import Member


def suspend(contract: Contract, *, reason: str, by: Member, at: datetime) -> Contract:
    """active → suspended: nothing is delivered from now on. Only the side that suspends can resume."""
    steps.claim(contract, at=at)
    following = rules.check("suspend", by, contract)
    reason = steps.required_reason(reason)
    contract.suspended_by = rules.side_of(by, contract)
    steps.move(contract, "suspend", following, by=by, at=at, reason=reason)
    title = text("契約が停止されました（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at, but=contract.suspended_by)
    return steps.fresh(contract)


def resume(contract: Contract, *, reason: str, by: Member, at: datetime) -> Contract:
    """suspended → active, by the side that suspended."""
    steps.claim(contract, at=at)
    following = rules.check("resume", by, contract)
    reason = steps.required_reason(reason)
    contract.suspended_by = None
    steps.move(contract, "resume", following, by=by, at=at, reason=reason)
    title = text("契約が再開されました（%(number)s）", number=contract.number)
    steps.tell_both(contract, title, text("理由：%(reason)s", reason=reason), at=at, but=rules.side_of(by, contract))
    return steps.fresh(contract)


def terminate(contract: Contract, *, reason: str, when: str = "now", by: Member, at: datetime) -> Contract:
    """active, suspended → terminated now, or announced for the end of the cure period that article 14 sets.

    What was earned until then stays owed. Refuses a second announcement (`WrongState`).
    """
    steps.claim(contract, at=at)
    following = rules.check("terminate", by, contract)
    reason = steps.required_reason(reason)
    if when not in ("now", "after_cure"):
        raise Invalid({"when": [text("now または after_cure を指定してください。")]})
    if when == "after_cure":
        _announce(contract, reason, by, at)
    else:
        contract.ended_at, contract.terminates_at = at, None
        steps.move(contract, "terminate", following, by=by, at=at, reason=reason)
        _tell_over(contract, at, reason, but=rules.side_of(by, contract))
    return steps.fresh(contract)


def _announce(contract: Contract, reason: str, by: Member, at: datetime) -> None:
    if contract.terminates_at is not None:
        message = text("是正の期間がすでに始まっています。")
        raise WrongState(message, state=contract.state, allowed=rules.allowed(by, contract))
    contract.terminates_at = rules.cure_ends_at(at, int(contract.variables.get("cure_days", 14)))
    last_day = (contract.terminates_at - timedelta(days=1)).date().isoformat()
    steps.note(contract, "announce", contract.state, by=by, at=at, reason=reason, detail={"last_day": last_day})
    title = text("契約の解約が予告されました（%(number)s）", number=contract.number)
    body = text("%(day)s までに是正されないときは解約されます。理由：%(reason)s", day=last_day, reason=reason)
    steps.tell_both(contract, title, body, at=at, but=rules.side_of(by, contract))


def payment_received(contract_id: str, *, at: datetime) -> Contract:
    """The price of a prepaid contract came in: delivery is open from now on. A second time changes nothing."""
    contract = queries.contract_by_id(contract_id)
    steps.claim(contract, at=at)
    if contract.payment == "prepaid" and contract.paid_at is None:
        contract.paid_at = at
        steps.note(contract, "pay", contract.state, by=None, at=at)
        title = text("入金を確認しました（%(number)s）", number=contract.number)
        body = text("「%(title)s」を取得できるようになりました。", title=contract.listing.title)
        steps.tell(contract, "buyer", title, body, at=at)
    return contract


def expire_unanswered(*, at: datetime) -> int:
    """requested, countered → expired where the deadline for an answer has passed; how many."""
    overdue = queries.overdue_requests(at)
    for contract in overdue:
        steps.move(contract, "expire", rules.after(contract.state, "expire"), by=None, at=at)
        title = text("契約の申込みが失効しました（%(number)s）", number=contract.number)
        body = text("回答の期限が過ぎたため、「%(title)s」の申込みは失効しました。", title=contract.listing.title)
        steps.tell_both(contract, title, body, at=at)
    return len(overdue)


def end_finished(*, at: datetime) -> int:
    """active, suspended → ended where the term is over, → terminated where the cure period is; how many."""
    found = queries.finished(at, at.astimezone(rules.JST).date())
    for contract in found:
        if contract.terminates_at is not None and contract.terminates_at <= at:
            contract.ended_at, deed = contract.terminates_at, "terminate"
        else:
            contract.ended_at, deed = _end_of_term(contract), "end"
        steps.move(contract, deed, rules.after(contract.state, deed), by=None, at=at)
        _tell_over(contract, at, "")
    return len(found)


def _end_of_term(contract: Contract) -> datetime:
    """Midnight in Japan after the last day."""
    assert contract.ends_on is not None
    day = contract.ends_on + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=rules.JST)


def _tell_over(contract: Contract, at: datetime, reason: str, *, but: str | None = None) -> None:
    title = text("契約が終了しました（%(number)s）", number=contract.number)
    body = text(
        "「%(title)s」の契約が終了しました。提供データは %(days)s 日以内に消去してください。%(reason)s",
        title=contract.listing.title,
        days=contract.variables.get("delete_days", 30),
        reason=reason,
    )
    steps.tell_both(contract, title, body, at=at, but=but)

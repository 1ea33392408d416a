"""What happens to a contract in force: suspended, resumed, terminated, paid, and ended by time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from contracts import queries, rules
from contracts.actions import steps
from contracts.documents import printable
from contracts.models import Contract, DeletionDuty
from exchange.database import session
from exchange.errors import Forbidden, Invalid, Words, WrongState, text
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
        _over(contract, at, reason, but=rules.side_of(by, contract))
    return steps.fresh(contract)


def refuse_renewal(contract: Contract, *, reason: str, by: Member, at: datetime) -> Contract:
    """active, suspended → the same: a term that renews itself will not. Refused once notice comes too late."""
    steps.claim(contract, at=at)
    following = rules.check("refuse_renewal", by, contract)
    reason = steps.required_reason(reason)
    ahead = rules.renewal(contract)
    if ahead and at.astimezone(rules.JST).date() > ahead.last_notice:
        message = text("更新しないことの通知は %(day)s までです。", day=ahead.last_notice.isoformat())
        raise WrongState(message, state=contract.state, allowed=rules.allowed(by, contract))
    contract.renewal_refused_by = rules.side_of(by, contract)
    steps.move(contract, "refuse_renewal", following, by=by, at=at, reason=reason)
    title = text("契約は更新されません（%(number)s）", number=contract.number)
    day = contract.ends_on.isoformat() if contract.ends_on else ""
    body = text("%(day)s に契約期間が終わります。理由：%(reason)s", day=day, reason=reason)
    steps.tell_both(contract, title, body, at=at, but=contract.renewal_refused_by)
    return steps.fresh(contract)


def record_renewal_ground(contract: Contract, *, ground: str, by: Member, at: datetime) -> Contract:
    """A municipal buyer's ground for being bound past 31 March: 債務負担行為 or 長期継続契約, with its reference."""
    steps.claim(contract, at=at)
    if not rules.may_record_ground(by, contract):
        raise Forbidden(text("利用者である自治体の契約権者だけが記録できます。"))
    if rules.renewal(contract) is None:
        raise WrongState(text("この契約は自動では更新されません。"), state=contract.state, allowed=[])
    contract.renewal_ground = steps.required_reason(ground, "ground")
    steps.note(contract, "ground", contract.state, by=by, at=at, reason=contract.renewal_ground)
    return steps.fresh(contract)


def certify_deletion(contract: Contract, *, method: str, deleted_on: date | None, by: Member, at: datetime) -> Contract:
    """The buyer states that it deleted the data, when and how; kept for good, and the provider is told."""
    duty = session.get(DeletionDuty, contract.id, with_for_update=True)
    if not rules.may_certify_deletion(by, contract):
        raise Forbidden(text("利用者の責任者またはデータ担当だけが報告できます。"))
    if duty is None or duty.certified_at is not None:
        raise WrongState(text("消去の報告を待っていません。"), state=contract.state, allowed=[])
    method, today = steps.required_reason(method, "method"), at.astimezone(rules.JST).date()
    if deleted_on is None or not (contract.starts_on or today) <= deleted_on <= today:
        raise Invalid({"deleted_on": [text("消去した日を、今日までの日付で入力してください。")]})
    printable.require({"method": method})
    duty.certified_at, duty.certified_by, duty.method, duty.deleted_on = at, by.id, method, deleted_on
    steps.note(contract, "delete", contract.state, by=by, at=at, reason=method)
    title = text("データの消去が報告されました（%(number)s）", number=contract.number)
    body = text("%(day)s に消去されました。証明書を契約のページから取得できます。", day=deleted_on.isoformat())
    steps.tell(contract, "provider", title, body, at=at)
    return steps.fresh(contract)


def remind_of_deletion(*, at: datetime) -> int:
    """Tell both sides once that a deadline for deletion has passed without a statement; how many."""
    late = queries.deletions_overdue(at.astimezone(rules.JST).date())
    for duty in late:
        duty.reminded_at = at
        title = text("データの消去の期限が過ぎています（%(number)s）", number=duty.contract.number)
        body = text(
            "期限は %(day)s でした。利用者は、消去した日と方法を報告してください。", day=duty.due_on.isoformat()
        )
        steps.tell_both(duty.contract, title, body, at=at)
    return len(late)


def warn_of_lapse(*, at: datetime) -> int:
    """Tell whose turn it is that a request lapses in 15 days, and in 3; how many were told."""
    found = queries.lapsing(at, rules.LAPSE_WARNINGS)
    for contract in found:
        contract.warnings = sum(contract.answer_by - at <= left for left in rules.LAPSE_WARNINGS)
        day = contract.answer_by.astimezone(rules.JST).date().isoformat()
        title = text("回答の期限が近づいています（%(number)s）", number=contract.number)
        body = text(
            "%(day)s までに回答がないと、「%(title)s」の申込みは失効します。", day=day, title=contract.listing.title
        )
        steps.tell(contract, contract.turn or "buyer", title, body, at=at)
    return len(found)


def tell_of_renewals(*, at: datetime) -> int:
    """Tell both, two weeks before notice must be given, that a term will renew itself; how many."""
    today = at.astimezone(rules.JST).date()
    told = 0
    for contract in queries.renewing():
        ahead = rules.renewal(contract)
        if ahead is None or contract.renewal_told_for == ahead.ends_on or not ahead.nears(today):
            continue
        contract.renewal_told_for = ahead.ends_on
        steps.tell_both(contract, *_renewal_words(contract, ahead), at=at)
        told += 1
    return told


def _renewal_words(contract: Contract, ahead: rules.Renewal) -> tuple[Words, Words]:
    end, last = ahead.ends_on.isoformat(), ahead.last_notice.isoformat()
    if ahead.renews:
        return text("契約はまもなく自動で更新されます（%(number)s）", number=contract.number), text(
            "契約期間は %(end)s までで、同じ条件で更新されます。更新しないときは %(last)s までに契約のページで通知してください。",
            end=end,
            last=last,
        )
    return text("このままでは契約は更新されません（%(number)s）", number=contract.number), text(
        "契約期間は %(end)s までです。3月31日を越えて更新するには、利用者である自治体が、債務負担行為などの根拠を契約のページに記録する必要があります。",
        end=end,
    )


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


ARREARS = "arrears"  # who suspended: nobody, but an invoice that was not paid in time


def suspend_for_arrears(contract_ids: Sequence[str], *, reason: Words, at: datetime) -> list[str]:
    """active → suspended, because the buyer does not pay; the contracts for which that was so. Others stay."""
    stopped = []
    for contract in queries.contracts_by_ids(contract_ids):
        steps.claim(contract, at=at)
        if contract.state != "active":
            continue
        contract.suspended_by = ARREARS
        steps.move(contract, "suspend", rules.after("active", "suspend"), by=None, at=at, reason=str(reason))
        title = text("お支払いを確認できないため提供が停止されました（%(number)s）", number=contract.number)
        steps.tell_both(contract, title, reason, at=at)
        stopped.append(contract.id)
    return stopped


def resume_after_arrears(contract_ids: Sequence[str], *, at: datetime) -> list[str]:
    """suspended → active, where it was suspended because the buyer did not pay; the contracts for which that was so."""
    resumed = []
    for contract in queries.contracts_by_ids(contract_ids):
        steps.claim(contract, at=at)
        if contract.state != "suspended" or contract.suspended_by != ARREARS:
            continue
        contract.suspended_by = None
        reason = text("お支払いを確認しました。")
        steps.move(contract, "resume", rules.after("suspended", "resume"), by=None, at=at, reason=str(reason))
        steps.tell_both(contract, text("契約が再開されました（%(number)s）", number=contract.number), reason, at=at)
        resumed.append(contract.id)
    return resumed


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
    """active, suspended → ended where the term is over, → terminated where the cure period is; how many.

    A term that renews itself begins anew instead, unless a party refused or, for a municipal buyer, the ground for
    being bound past 31 March is missing.
    """
    found = queries.finished(at, at.astimezone(rules.JST).date())
    for contract in found:
        if _renewed(contract, at):
            continue
        if contract.terminates_at is not None and contract.terminates_at <= at:
            contract.ended_at, deed = contract.terminates_at, "terminate"
        else:
            contract.ended_at, deed = _end_of_term(contract), "end"
        steps.move(contract, deed, rules.after(contract.state, deed), by=None, at=at)
        _over(contract, at, "")
    return len(found)


def _renewed(contract: Contract, at: datetime) -> bool:
    ahead = rules.renewal(contract)
    if ahead is None or not ahead.renews or (contract.terminates_at is not None and contract.terminates_at <= at):
        return False
    contract.ends_on, contract.renewal_ground = ahead.until, None
    contract.renewals += 1
    detail = {"until": ahead.until.isoformat()}
    steps.move(contract, "renew", rules.after(contract.state, "renew"), by=None, at=at, detail=detail)
    title = text("契約が更新されました（%(number)s）", number=contract.number)
    body = text("新しい契約期間は %(day)s までです。", day=ahead.until.isoformat())
    steps.tell_both(contract, title, body, at=at)
    return True


def _end_of_term(contract: Contract) -> datetime:
    """Midnight in Japan after the last day."""
    assert contract.ends_on is not None
    day = contract.ends_on + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=rules.JST)


def _over(contract: Contract, at: datetime, reason: str, *, but: str | None = None) -> None:
    """What the end brings: the duty to delete, where the terms say so, and word to both."""
    title = text("契約が終了しました（%(number)s）", number=contract.number)
    ended_on, data = (contract.ended_at or at).astimezone(rules.JST).date(), contract.listing.title
    due_on = rules.deletion_due_on(contract.variables, ended_on)
    if due_on is None:
        body = text("「%(title)s」の契約が終了しました。%(reason)s", title=data, reason=reason)
    else:
        session.add(DeletionDuty(contract_id=contract.id, due_on=due_on))
        session.flush()
        body = text(
            "「%(title)s」の契約が終了しました。提供データは %(day)s までに消去し、契約のページで報告してください。%(reason)s",
            title=data,
            day=due_on.isoformat(),
            reason=reason,
        )
    steps.tell_both(contract, title, body, at=at, but=but)

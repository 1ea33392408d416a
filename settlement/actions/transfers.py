"""Money out: the transfer files in which providers' payouts leave."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from exchange import audit, bank_days, clock, database, jobs, settings
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, Invalid, NotFound, Words, WrongState, text
from exchange.identity import accounts
from exchange.identity.actions import notify, notify_operators
from exchange.identity.models import BankAccountChange, Member, Organization
from exchange.identity.queries import organizations_by_id
from settlement import bank, matching, payout_statements, payouts, queries, rules
from settlement.actions.locks import MONEY, only_finance
from settlement.models import Payout, PayoutBatch, Receipt


class NothingToPay(Conflict):
    """No payout waits that could leave."""

    title_ja = N_("振込の対象がありません")


class AccountMissing(Conflict):
    """A bank account that the transfer file needs is not complete; `missing` says what and whose."""

    title_ja = N_("振込に必要な口座の情報が足りません")


class AccountChanged(Conflict):
    """A provider's account is no longer the one that a transfer file names; `changed` says whose."""

    title_ja = N_("振込先の口座が変わっています")


REASON_LENGTH_MAX = 200


@dataclass
class BatchMade:
    """A transfer file, and the payouts that had to wait with what their providers' accounts lack."""

    batch: PayoutBatch
    left_out: list[dict[str, object]]


def make_batch(*, transfer_on: date | None = None, by: Member, at: datetime) -> BatchMade:
    """due → batched, for every payout whose provider has a complete account. Makes the bank's transfer file.

    Without a date, the next bank day. Left out, with why, is whose account is missing, waits for a second person, or
    was changed within three bank days. Raises `AccountMissing` when that leaves nothing, or the operator's own account
    lacks something; `NothingToPay`. A municipality's money never reaches a file.
    """
    only_finance(by)
    today = clock.day_of(at)
    transfer_on = transfer_on or bank_days.bank_day_after(today)
    if transfer_on <= today or not bank_days.is_bank_day(transfer_on):
        raise Invalid({"transfer_on": [text("振込指定日は明日以降の銀行営業日にしてください。")]})
    in_force = settings.current()
    _check_operator_account(in_force)
    database.lock(MONEY)
    ready, left_out = _payable(today)
    batch = PayoutBatch(
        id=new_id(),
        transfer_on=transfer_on,
        made_at=at,
        made_by=by.id,
        payout_count=len(ready),
        total_jpy=sum(p.amount_jpy for p, _ in ready),
        content=b"",
        sha256="",
    )
    transfers = [
        bank.Transfer(bank.whole_account(o.bank_account), p.amount_jpy, matching.reference_of(p)) for p, o in ready
    ]
    batch.content = bank.zengin_file(
        transfers,
        account=bank.whole_account(in_force.bank_account),
        consignor_code=in_force.consignor_code,
        consignor=in_force.bank_account["account_holder_kana"],
        transfer_on=transfer_on,
    )
    batch.sha256 = hashlib.sha256(batch.content).hexdigest()
    session.add(batch)
    session.flush()
    for payout, provider in ready:
        payouts.put_in_batch(payout, provider, bank.whole_account(provider.bank_account), batch, at=at)
        jobs.enqueue("print-payout", {"payout_id": payout.id}, at=at)
        _tell_batched(payout, transfer_on, at)
    detail = {"payouts": batch.payout_count, "total_jpy": batch.total_jpy, "sha256": batch.sha256}
    audit.record("payout.batch", actor=by.id, subject=f"payout-batch/{batch.id}", at=at, detail=detail)
    session.flush()
    return BatchMade(queries.batch_seen_by(by, batch.id), left_out)


def _check_operator_account(in_force: settings.Settings) -> None:
    lacking = bank.missing_in(in_force.bank_account)
    if not (
        in_force.consignor_code.isascii() and in_force.consignor_code.isdigit() and len(in_force.consignor_code) <= 10
    ):
        lacking.append("委託者コード(数字10桁)")
    if lacking:
        words = text(
            "運営者の口座に次の情報がありません: %(what)s。設定画面で入力してください。", what="、".join(lacking)
        )
        raise AccountMissing(words, missing=[{"whose": in_force.operator_name, "what": lacking}])


def _payable(today: date) -> tuple[list[tuple[Payout, Organization]], list[dict[str, object]]]:
    """Payouts that can stand in a transfer file, and those that cannot, with why."""
    ready: list[tuple[Payout, Organization]] = []
    left_out: list[dict[str, object]] = []
    found = payouts.ready()
    changes = accounts.newest_changes([provider.id for _, provider in found])
    for payout, provider in found:
        lacking = why_not_payable(payout, provider, changes.get(provider.id, []), today=today)
        if lacking:
            left_out.append({"payout_id": payout.id, "whose": provider.name, "what": lacking})
        else:
            ready.append((payout, provider))
    if not ready and left_out:
        whose = "、".join(str(each["whose"]) for each in left_out)
        raise AccountMissing(text("次の提供者の口座の情報が足りません: %(whose)s。", whose=whose), missing=left_out)
    if not ready:
        raise NothingToPay(text("振り込む支払いがありません。"))
    return ready, left_out


def why_not_payable(
    payout: Payout, provider: Organization, changes: Sequence[BankAccountChange], *, today: date
) -> list[str]:
    """What keeps a payout out of a transfer file; a municipality's money always stays out (地方自治法243条の2)."""
    if provider.kind == "municipality":
        return ["自治体への支払いは公金であり、取引市場から振り込みません"]
    if provider.is_abroad:
        return [str(text(accounts.DOMESTIC_PAYEE))]
    lacking = bank.missing_in(provider.bank_account)
    if payout.amount_jpy > bank.TRANSFER_MAX_JPY:
        lacking.append("1件の上限 9,999,999,999円を超えています")
    if any(change.is_waiting for change in changes):
        lacking.append(str(text("口座の変更が、もう1人の確認を待っています")))
    for until in (until for until in map(_held_until, changes) if until and until > today):
        words = text("口座が変更されたため、%(on)sの前日まで振込を止めています", on=clock.words(until))
        lacking.append(str(words))
    return lacking


def held_back(waiting: Sequence[Payout], *, at: datetime) -> dict[str, list[str]]:
    """Of payouts that gather, those that no transfer file can take now, by id, with why."""
    providers = {o.id: o for o in organizations_by_id([p.provider_id for p in waiting]).values()}
    changes, today = accounts.newest_changes(list(providers)), clock.day_of(at)
    why = {
        p.id: why_not_payable(p, providers[p.provider_id], changes.get(p.provider_id, []), today=today) for p in waiting
    }
    return {payout_id: lacking for payout_id, lacking in why.items() if lacking}


def _held_until(change: BankAccountChange) -> date | None:
    """The first day on which money may leave for a changed account; None for one that replaced no other."""
    if not change.replaced or change.confirmed_at is None:
        return None
    return rules.account_held_until(clock.day_of(change.confirmed_at))


def _tell_batched(payout: Payout, transfer_on: date, at: datetime) -> None:
    notify(
        organization_id=payout.provider_id,
        roles=("owner", "accountant"),
        title=text("振込の手続きをしました"),
        body=text(
            "%(amount)s円を %(on)s に振り込みます。", amount=f"{payout.amount_jpy:,}", on=clock.words(transfer_on)
        ),
        path=f"/desk/payouts/{payout.id}",
        at=at,
    )


def record_batch_sent(batch_id: str, *, by: Member, at: datetime) -> PayoutBatch:
    """batched → sent: the bank has executed the transfer file."""
    only_finance(by)
    database.lock(MONEY)
    batch = _open_batch(batch_id, by)
    payouts.mark_sent(batch, at=at)
    audit.record("payout.sent", actor=by.id, subject=f"payout-batch/{batch.id}", at=at)
    return batch


def _open_batch(batch_id: str, by: Member) -> PayoutBatch:
    batch = queries.batch_seen_by(by, batch_id)
    if batch.sent_at:
        raise WrongState(text("この振込ファイルは振込済みです。"), state="sent")
    if batch.discarded_at:
        raise WrongState(text("この振込ファイルは取り消されています。"), state="discarded")
    return batch


def transfer_file(batch_id: str, *, by: Member) -> PayoutBatch:
    """A transfer file to hand to the bank, the same bytes each time.

    Raises `AccountChanged` while it is not sent and names an account that is gone or no longer its provider's;
    `WrongState` when it was discarded.
    """
    batch = queries.batch_seen_by(by, batch_id)
    if batch.discarded_at:
        raise WrongState(text("この振込ファイルは取り消されています。"), state="discarded")
    if batch.sent_at is None:
        _refuse_changed(batch)
    return batch


def _refuse_changed(batch: PayoutBatch) -> None:
    going = {p.provider_id: p.account for p in batch.payouts if p.state == "batched"}
    query = select(Organization).where(Organization.id.in_(going)).order_by(Organization.id)
    found = session.scalars(query.execution_options(populate_existing=True))
    changed = [o.name for o in found if bank.whole_account(o.bank_account) != going[o.id]]
    if changed:
        raise AccountChanged(
            text(
                "%(whose)s の口座は、このファイルを作った後に変更または削除されました。ファイルを取り消して、作り直してください。",
                whose="、".join(changed),
            ),
            changed=changed,
        )


def discard_batch(batch_id: str, *, reason: str, by: Member, at: datetime) -> PayoutBatch:
    """A file that will not be handed to the bank: its payouts come back and stand in each provider's next one."""
    only_finance(by)
    words = _reason(reason)
    database.lock(MONEY)
    batch = _open_batch(batch_id, by)
    batch.discarded_at = at
    for payout in batch.payouts:
        if payout.state == "batched":
            payouts.take_back(payout, reason=words, on=clock.day_of(at), receipt=None, at=at)
    audit.record("payout.discard", actor=by.id, subject=f"payout-batch/{batch.id}", at=at, detail={"reason": words})
    session.flush()
    return queries.batch_seen_by(by, batch_id)


def _reason(written: str) -> str:
    if not 0 < len(written.strip()) <= REASON_LENGTH_MAX:
        raise Invalid({"reason": [text("理由を%(max)s文字以内で入力してください。", max=REASON_LENGTH_MAX)]})
    return written.strip()


def record_payout_returned(
    payout_id: str,
    *,
    reason: str,
    returned_on: date | None = None,
    receipt_id: str | None = None,
    by: Member,
    at: datetime,
) -> Payout:
    """batched or sent → returned: the bank could not credit a transfer. Its amount is payable again, once.

    A receipt is the bank's credit that brought it back, where it already waits as unapplied money.
    """
    only_finance(by)
    words, today = _reason(reason), clock.day_of(at)
    database.lock(MONEY)
    payout = queries.payout_seen_by(by, payout_id)
    if payout.state not in ("batched", "sent"):
        words_ = text("振込手続中か振込済みの支払いだけを、振込不能にできます。")
        raise WrongState(words_, state=payout.state, allowed=["batched", "sent"])
    if returned_on and returned_on > today:
        raise Invalid({"returned_on": [text("戻った日は今日までの日付にしてください。")]})
    receipt = _waiting_receipt(receipt_id, payout) if receipt_id else None
    payouts.take_back(payout, reason=words, on=returned_on or today, receipt=receipt, at=at)
    detail = {"amount_jpy": payout.amount_jpy, "reason": words, "receipt": receipt_id}
    subject = f"payout/{payout.id}"
    audit.record("payout.return", actor=by.id, subject=subject, organization=payout.provider_id, at=at, detail=detail)
    payouts.tell_returned(payout, at=at)
    session.flush()
    return queries.payout_seen_by(by, payout_id)


def _waiting_receipt(receipt_id: str, payout: Payout) -> Receipt:
    receipt = session.get(Receipt, receipt_id, populate_existing=True)
    if receipt is None:
        raise NotFound()
    if receipt.unapplied_jpy < payout.amount_jpy or receipt.payout_id:
        raise Invalid({"receipt_id": [text("この入金の未消込の額は、戻った振込の額に足りません。")]})
    return receipt


def warn_of_deadlines(*, at: datetime) -> int:
    """Tell accountants of payouts that must leave within few bank days, once each; how many.

    A payout that its provider's own account holds up is told to the provider too: a provider's money leaves at most
    30 days after it came.
    """
    today = clock.day_of(at)
    query = select(Payout, Organization).join(Organization, Organization.id == Payout.provider_id)
    query = query.where(Payout.state.in_(["due", "batched"]), Payout.amount_jpy > 0, Payout.warned_at.is_(None))
    found = [(p, o) for p, o in session.execute(query) if rules.is_near(p.due_on, today=today)]
    changes = accounts.newest_changes([provider.id for _, provider in found])
    for payout, provider in found:
        payout.warned_at = at
        lacking = why_not_payable(payout, provider, changes.get(provider.id, []), today=today)
        if payout.state == "due" and lacking and provider.kind != "municipality":
            _tell_held(payout, lacking, at)
    if found:
        _tell_accountants([payout for payout, _ in found], at)
    return len(found)


def _tell_accountants(near: Sequence[Payout], at: datetime) -> None:
    notify_operators(
        roles=["finance"],
        title=text("支払期限が近い提供者への支払いがあります"),
        body=text(
            "まだ振り込まれていない支払いが%(n)s件あります。最も早い支払期限は%(on)sです。",
            n=len(near),
            on=clock.words(min(p.due_on for p in near)),
        ),
        path="/desk/payouts",
        at=at,
    )


def _tell_held(payout: Payout, lacking: Sequence[str], at: datetime) -> None:
    body: Words = text(
        "%(amount)s円の支払期限は%(on)sですが、次の理由で振り込めません: %(what)s",
        amount=f"{payout.amount_jpy:,}",
        on=clock.words(payout.due_on),
        what="、".join(lacking),
    )
    notify(
        organization_id=payout.provider_id,
        roles=("owner", "accountant"),
        title=text("売上の振込ができません"),
        body=body,
        path="/desk/organization",
        at=at,
    )


def payout_document(payout: Payout) -> bytes:
    """The PDF of a payout's statement, with its lines and file loaded; fixed once it is in a transfer file."""
    provider = session.get(Organization, payout.provider_id)
    if provider is None:
        raise NotFound()
    return payout_statements.statement(payout, provider)


def print_payout(payout_id: str) -> None:
    """Fix the PDF of a payout's statement, if nobody asked for it before."""
    query = select(Payout).where(Payout.id == payout_id).options(selectinload(Payout.lines), joinedload(Payout.batch))
    payout_document(session.scalars(query).one())

"""Money out: the transfer files in which providers' payouts leave."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from exchange import audit, clock, database, settings
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, Invalid, WrongState, text
from exchange.identity.actions import notify
from exchange.identity.models import Member, Organization
from settlement import bank, documents, payouts, queries, rules
from settlement.actions.locks import MONEY, only_finance
from settlement.models import Payout, PayoutBatch


class NothingToPay(Conflict):
    """No payout waits that could leave."""

    title_ja = N_("振込の対象がありません")


class AccountMissing(Conflict):
    """A bank account that the transfer file needs is not complete; `missing` says what and whose."""

    title_ja = N_("振込に必要な口座の情報が足りません")


@dataclass
class BatchMade:
    """A transfer file, and the payouts that had to wait with what their providers' accounts lack."""

    batch: PayoutBatch
    left_out: list[dict[str, object]]


def make_batch(*, transfer_on: date | None = None, by: Member, at: datetime) -> BatchMade:
    """due → batched, for every payout whose provider has a complete account. Makes the bank's transfer file.

    Without a date, the next bank day. Raises `AccountMissing` naming what the operator's account, or every
    provider's, lacks; `NothingToPay`; `PublicMoney` never reaches a file.
    """
    only_finance(by)
    today = at.astimezone(clock.JST).date()
    transfer_on = transfer_on or rules.bank_day_after(today)
    if transfer_on <= today or not rules.is_bank_day(transfer_on):
        raise Invalid({"transfer_on": [text("振込指定日は明日以降の銀行営業日にしてください。")]})
    in_force = settings.current()
    _check_operator_account(in_force)
    database.lock(MONEY)
    ready, left_out = _payable()
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
    transfers = [bank.Transfer(bank.whole_account(o.bank_account), p.amount_jpy, p.id[-10:].upper()) for p, o in ready]
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
        payouts.put_in_batch(payout, provider, batch, at=at)
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


def _payable() -> tuple[list[tuple[Payout, Organization]], list[dict[str, object]]]:
    """Payouts that can stand in a transfer file, and those that cannot, with why."""
    ready: list[tuple[Payout, Organization]] = []
    left_out: list[dict[str, object]] = []
    for payout, provider in payouts.ready():
        lacking = why_not_payable(payout, provider)
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


def why_not_payable(payout: Payout, provider: Organization) -> list[str]:
    """What keeps a payout out of a transfer file; a municipality's money always stays out (地方自治法243条の2)."""
    if provider.kind == "municipality":
        return ["自治体への支払いは公金であり、取引市場から振り込みません"]
    lacking = bank.missing_in(provider.bank_account)
    if payout.amount_jpy > bank.TRANSFER_MAX_JPY:
        lacking.append("1件の上限 9,999,999,999円を超えています")
    return lacking


def _tell_batched(payout: Payout, transfer_on: date, at: datetime) -> None:
    notify(
        organization_id=payout.provider_id,
        roles=("owner", "accountant"),
        title=text("振込の手続きをしました"),
        body=text(
            "%(amount)s円を %(on)s に振り込みます。", amount=f"{payout.amount_jpy:,}", on=documents.jdate(transfer_on)
        ),
        path=f"/desk/payouts/{payout.id}",
        at=at,
    )


def record_batch_sent(batch_id: str, *, by: Member, at: datetime) -> PayoutBatch:
    """batched → sent: the bank has executed the transfer file."""
    only_finance(by)
    database.lock(MONEY)
    batch = queries.batch_seen_by(by, batch_id)
    if batch.sent_at:
        raise WrongState(text("この振込ファイルは振込済みです。"), state="sent")
    payouts.mark_sent(batch, at=at)
    audit.record("payout.sent", actor=by.id, subject=f"payout-batch/{batch.id}", at=at)
    return batch

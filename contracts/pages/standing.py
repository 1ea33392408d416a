"""Where a contract stands, for its page: a sentence, the steps, the history, and who signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from contracts import rules
from contracts.models import Contract
from exchange import settings
from exchange.errors import N_
from exchange.web.presentation import locale, weekday_date

SIGNATURE_TITLES = {"paper": N_("記名押印（紙の契約書）"), "electronic": N_("電子署名")}
CAME_TO_NOTHING = ("declined", "rejected", "expired")


def state_label(contract: Contract) -> tuple[str, str]:
    """The state's title and the kind of its label; where a state waits for one thing alone, that thing's name."""
    if contract.awaits_confirmation and contract.state == "requested":
        return _("責任者の確認待ち"), "info"
    if contract.state == "accepted" and contract.unsigned and contract.approvals_given >= contract.approvals_needed:
        return _("記名押印・電子署名待ち"), "info"
    return _(rules.STATE_TITLES[contract.state]), rules.STATE_KINDS[contract.state]


def sentence(contract: Contract, side: str | None) -> str:
    """Where it stands and whose turn it is, in a sentence or two."""
    if contract.state in ("requested", "countered"):
        return _open(contract, side)
    if contract.state == "accepted":
        return _joined(_review(contract), _signature(contract))
    if contract.state == "active":
        return _active(contract)
    return {
        "suspended": _("契約は停止されています。停止した側が再開するまで、データは取得できません。"),
        "terminated": _joined(_("契約は解約されました。"), _deletion(contract, side)),
        "declined": _("申込みは辞退されました。"),
        "rejected": _("管理者が承認しませんでした。"),
        "expired": _("期限までに回答がなかったため、申込みは失効しました。"),
        "ended": _joined(_("契約期間が満了しました。"), _deletion(contract, side)),
    }[contract.state]


def _joined(*sentences: str) -> str:
    return (" " if locale() == "en" else "").join(filter(None, sentences))


def _open(contract: Contract, side: str | None) -> str:
    if contract.awaits_confirmation:
        return _("組織で定めた金額を超えるため、責任者の確認を待っています。確認が済むまで、提供者には伝わりません。")
    if contract.turn == side:
        return _("あなたの組織の回答を待っています。内容を確かめて、承諾、提案、または辞退をしてください。")
    who = contract.provider.name if contract.turn == "provider" else contract.buyer.name
    return _("%(who)s の回答を待っています。", who=who)


def _review(contract: Contract) -> str:
    left, days = contract.approvals_needed - contract.approvals_given, settings.current().approval_days
    if left <= 0:
        return _("管理者の承認は済みました。")
    if contract.approvals_needed > 1:
        return _(
            "管理者の承認待ちです。あと%(n)s名の承認が必要です。通常 %(days)s 営業日かかります。", n=left, days=days
        )
    return _("管理者の承認待ちです。通常 %(days)s 営業日かかります。", days=days)


def _signature(contract: Contract) -> str:
    if not contract.unsigned:
        return ""
    return _(
        "契約の成立には、%(who)s の記名押印または電子署名の記録が必要です。", who=_names(contract, contract.unsigned)
    )


def _names(contract: Contract, sides: list[str]) -> str:
    return _("、").join(party(contract, side) for side in sides)


def party(contract: Contract, side: str) -> str:
    """The name of the organization on a side."""
    return contract.provider.name if side == "provider" else contract.buyer.name


def _active(contract: Contract) -> str:
    if contract.payment == "prepaid" and contract.paid_at is None:
        return _("契約は成立しました。前払いのため、入金の確認後にデータを取得できます。")
    if contract.terminates_at:
        return _("契約は有効ですが、解約が予告されています。")
    if contract.renewal_refused_by:
        return _("契約は有効です。更新されず、%(day)s に終わります。", day=weekday_date(contract.ends_on))
    return _("契約は有効です。データを取得できます。")


def _deletion(contract: Contract, side: str | None) -> str:
    duty = contract.deletion
    if duty is None:
        return ""
    if duty.certified_at:
        return _("提供データの消去が報告されています。")
    if side == "buyer":
        return _("提供データを %(day)s までに消去し、報告してください。", day=weekday_date(duty.due_on))
    return _("利用者は、提供データを %(day)s までに消去し、報告します。", day=weekday_date(duty.due_on))


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Step:
    """A step of a contract's way, and whether it is done."""

    label: str
    who: str
    done: bool
    note: str = ""


def steps(contract: Contract) -> list[dict[str, Any]]:
    """The way of this contract: what is done, what is next, who must act. What came to nothing has no way to show."""
    if contract.state in CAME_TO_NOTHING:
        return []
    way = [step for step in _way(contract) if step is not None]
    now = next((n for n, step in enumerate(way) if not step.done), None)
    return [
        {
            "label": step.label,
            "who": step.who,
            "note": step.note,
            "state": "done" if step.done else "now" if n == now else "todo",
        }
        for n, step in enumerate(way)
    ]


def _way(contract: Contract) -> list[Step | None]:
    agreed = contract.state not in ("requested", "countered")
    answering = contract.buyer.name if contract.turn == "buyer" and not agreed else contract.provider.name
    return [
        Step(_("申込み"), contract.buyer.name, done=True),
        _confirmation_step(contract),
        Step(_("条件の承諾"), answering, agreed, "" if agreed else _("相手の条件を確かめます。")),
        _approval_step(contract),
        _signature_step(contract),
        Step(_("データの取得"), contract.buyer.name, contract.state in rules.FINAL, _until(contract)),
        _deletion_step(contract),
    ]


def _confirmation_step(contract: Contract) -> Step | None:
    if not contract.awaits_confirmation and all(event.deed != "confirm" for event in contract.history):
        return None
    done = not contract.awaits_confirmation
    return Step(_("組織の中での確認"), contract.buyer.name, done, "" if done else _("責任者が確かめます。"))


def _approval_step(contract: Contract) -> Step:
    given, needed, days = contract.approvals_given, contract.approvals_needed, settings.current().approval_days
    done = contract.activated_at is not None or (contract.state == "accepted" and given >= needed)
    note = _("通常 %(days)s 営業日", days=days)
    if contract.state == "accepted" and needed > 1:
        note = _("%(needed)s名のうち%(given)s名が承認しました。", needed=needed, given=given)
    return Step(_("承認"), _("運営者"), done, "" if done else note)


def _signature_step(contract: Contract) -> Step | None:
    cities = [side for side in ("provider", "buyer") if getattr(contract, side).kind == "municipality"]
    if not cities:
        return None
    done = contract.activated_at is not None or (contract.state == "accepted" and not contract.unsigned)
    waiting = contract.unsigned if contract.state == "accepted" and not done else cities
    note = "" if done else _("自治体の契約は、記名押印または電子署名で確定します（地方自治法第234条第5項）。")
    return Step(_("記名押印・電子署名の記録"), _names(contract, waiting), done, note)


def _until(contract: Contract) -> str:
    if contract.state in rules.RUNNING and contract.ends_on:
        return _("%(day)s まで", day=weekday_date(contract.ends_on))
    return "" if contract.activated_at else _("契約の成立後すぐに取得できます。")


def _deletion_step(contract: Contract) -> Step | None:
    duty = contract.deletion
    if duty is None:
        return None
    note = "" if duty.certified_at else _("期限は %(day)s です。", day=weekday_date(duty.due_on))
    return Step(_("提供データの消去"), contract.buyer.name, duty.certified_at is not None, note)


# ── history ──────────────────────────────────────────────────────────────────────────────────────────────────────────

EVENT_TITLES = {
    "request": N_("申し込みました"),
    "confirm": N_("責任者が確認し、提供者に送りました"),
    "accept": N_("条件を承諾しました"),
    "counter": N_("条件を提案しました"),
    "approve": N_("承認しました"),
    "sign": N_("記名押印または電子署名を記録しました"),
    "return": N_("差し戻しました"),
    "reject": N_("承認しませんでした"),
    "decline": N_("辞退しました"),
    "suspend": N_("停止しました"),
    "resume": N_("再開しました"),
    "refuse_renewal": N_("更新しないことを通知しました"),
    "ground": N_("年度を越えて更新する根拠を記録しました"),
    "renew": N_("契約が更新されました"),
    "announce": N_("解約を予告しました"),
    "terminate": N_("解約しました"),
    "pay": N_("入金を確認しました"),
    "expire": N_("回答の期限が過ぎて失効しました"),
    "end": N_("契約期間が満了しました"),
    "delete": N_("提供データの消去を報告しました"),
}


def timeline(contract: Contract) -> list[dict[str, Any]]:
    """The history for a timeline, the newest first."""
    return [
        {
            "at": event.at,
            "title": _(EVENT_TITLES[event.deed]),
            "text": event.reason,
            "actor": event.actor.organization.name if event.actor else _("自動"),
        }
        for event in reversed(contract.history)
    ]


# ── signatures, renewal ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Signed:
    """A recorded signature, as a row."""

    id: str
    who: str
    kind: str
    reference: str
    signed_on: date
    signatory: str
    has_scan: bool


def signatures(contract: Contract) -> list[Signed]:
    """The signatures recorded under the version on the table."""
    return [
        Signed(
            s.id,
            party(contract, s.side),
            _(SIGNATURE_TITLES[s.kind]),
            s.reference,
            s.signed_on,
            s.signatory,
            s.scan_sha256 is not None,
        )
        for s in contract.signatures
        if s.version == contract.version
    ]


def renewal_words(contract: Contract, ahead: rules.Renewal) -> str:
    """What becomes of a term that renews itself, in a sentence."""
    if ahead.refused_by:
        who = party(contract, ahead.refused_by)
        return _("%(who)s が更新しないことを通知しました。契約は更新されません。", who=who)
    if ahead.renews:
        return _("通知がなければ、同じ条件で %(day)s まで更新されます。", day=weekday_date(ahead.until))
    return _(
        "このままでは更新されません。3月31日を越えて更新するには、債務負担行為（地方自治法第214条）または長期継続契約"
        "（同法第234条の3）などの根拠の記録が必要です。"
    )

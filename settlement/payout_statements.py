"""Statements of payouts (支払明細) as PDF: what was received for a provider, the fees, what was set off or carried.

Fixed once the payout stands in a transfer file; until then what is printed is a forecast and says so. It is no
qualified invoice: the exchange's fee has an invoice of its own.
"""

from typing import Any

from exchange import clock, settings
from exchange.identity import bank_accounts
from exchange.identity.models import Organization
from settlement import documents, rules
from settlement.models import Payout, PayoutLine


def statement(payout: Payout, provider: Organization) -> bytes:
    """The statement of a payout with its lines and file loaded; the same bytes from the day it is in a transfer file.

    Raises `Unavailable` when what the bucket holds is not what was fixed.
    """
    at = payout.batch.made_at if payout.batch else payout.opened_at

    def made() -> bytes:
        return documents.printed(facts_of(payout, provider), at=at)

    return documents.fixed(payout, made) if payout.batch else made()


def facts_of(payout: Payout, provider: Organization) -> dict[str, Any]:
    """What a statement says, for the template."""
    operator = settings.current()
    is_fixed = payout.batch is not None
    return {
        "title": "支払明細" if is_fixed else "支払明細(予定)",
        "number": payout.id[-10:].upper(),
        "issuer": {"name": operator.operator_name, "address": operator.operator_address},
        "recipient": {"name": provider.name, "address": provider.address},
        "registration_number": None,
        "opening": "下記のとおりお支払いいたします。",
        "total_label": "お支払金額",
        "total_jpy": payout.amount_jpy,
        "facts": [
            ["明細番号", payout.id[-10:].upper()],
            ["振込日", clock.words(payout.batch.transfer_on) if payout.batch else "未定"],
            ["お支払期限", clock.words(payout.due_on)],
        ],
        "columns": ["内容", "受領額・繰越額", "手数料(税込)", "差引"],
        "lines": [_line(line) for line in payout.lines],
        "sums": _sums(payout),
        "notes_title": "お振込先",
        "notes": _account(payout.account),
        "small_print": [
            "代金は、運営者が提供者の代理人として利用者から受領したものです。",
            "手数料の請求書は、別に交付します。本書は適格請求書ではありません。",
        ],
    }


def _line(line: PayoutLine) -> dict[str, Any]:
    return {
        "description": f"{clock.words(clock.day_of(line.at))} {line.words}",
        "quantity": f"{line.gross_jpy + line.carried_jpy:,}円",
        "rate": f"{line.fee_jpy:,}円",
        "amount_jpy": line.gross_jpy - line.fee_jpy + line.carried_jpy,
    }


def _sums(payout: Payout) -> list[list[Any]]:
    sold = sum(line.gross_jpy for line in payout.lines if line.gross_jpy > 0)
    back = sum(line.gross_jpy for line in payout.lines if line.gross_jpy < 0)
    rate = rules.TAX_RATE_PERCENT
    rows: list[list[Any]] = [["売上の受領額(税込)", sold], [f"うち消費税額等({rate}%)", rules.tax_within(sold, rate)]]
    rows += [["返還・取消", back]] if back else []
    rows += [
        ["手数料(税込)", -payout.fee_jpy],
        [f"うち消費税額等({rate}%)", -rules.tax_within(abs(payout.fee_jpy), rate)],
    ]
    rows += [["前回までの振込の再振込", payout.carried_jpy]] if payout.carried_jpy else []
    return [*rows, ["お支払金額", payout.amount_jpy]]


def _account(account: dict[str, Any] | None) -> list[list[str]]:
    if account is None:
        return [["口座", "振込の手続きのときに登録されている口座へ振り込みます"]]
    kind = bank_accounts.TYPES.get(account["account_type"], "")
    return [
        [
            "金融機関",
            f"{account['bank_name']}({account['bank_code']}) {account['branch_name']}({account['branch_code']})",
        ],
        ["口座", f"{kind} ****{account['account_number'][-3:]} {account['account_holder_kana']}"],
    ]

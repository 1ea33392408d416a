"""Invoices and credit notes as PDF: archive format (PDF/A-2a), Japanese text, the same bytes from the same facts.

A document is made once, kept in the bucket under its hash, and its SHA-256 stands on the invoice, where the database
keeps it from changing. Requirements on what it says: 消費税法57条の4.
"""

import hashlib
import json
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from exchange import database, settings, storage
from exchange.database import session
from exchange.errors import Unavailable
from exchange.identity import bank_accounts
from settlement import rules
from settlement.models import CreditNote, Invoice

TEMPLATE = Path(__file__).with_name("invoice.typ")
GETA = "〓"  # what Japanese printers set where a character has no type


def kept(paper: Invoice | CreditNote, invoice: Invoice) -> bytes:
    """The document of an invoice or of one of its credit notes; made and fixed on first use.

    Raises `Unavailable` when what the bucket holds is not what was fixed.
    """
    if paper.document_key is None:
        database.lock(f"settlement/print/{paper.id}")
        session.refresh(paper, ["document_key", "document_sha256"])
    if paper.document_key is None:
        return _fix(paper, invoice)
    content = storage.read(paper.document_key)
    if hashlib.sha256(content).hexdigest() != paper.document_sha256:
        raise Unavailable()
    return content


def _fix(paper: Invoice | CreditNote, invoice: Invoice) -> bytes:
    facts = invoice_facts(paper) if isinstance(paper, Invoice) else credit_note_facts(paper, invoice)
    content = printed(facts, at=paper.issued_at)
    digest = hashlib.sha256(content).hexdigest()
    key = f"documents/{paper.__tablename__}/{paper.id}/{digest}.pdf"
    storage.put(key, content, "application/pdf")
    paper.document_key, paper.document_sha256 = key, digest
    session.flush()
    return content


def invoice_facts(invoice: Invoice) -> dict[str, Any]:
    """What an invoice says, for the template; the tax of each rate stands on the sums, never on a line."""
    facts = [
        ["請求書番号", invoice.number],
        ["発行日", jdate(invoice.issued_on)],
        ["お支払期限", jdate(invoice.due_on)],
    ]
    facts.append(["取引年月日", period_words(invoice)])
    if invoice.purchase_order:
        facts.append(["ご注文番号", invoice.purchase_order])
    return {
        "title": invoice.title,
        "number": invoice.number,
        "issuer": invoice.issuer,
        "recipient": invoice.recipient,
        "registration_number": invoice.issuer["registration_number"],
        "opening": "下記のとおりご請求申し上げます。",
        "total_label": "ご請求金額(税込)",
        "total_jpy": invoice.total_jpy,
        "facts": facts,
        "columns": ["内容", "数量", "税率", "金額(税抜)"],
        "lines": [
            {
                "description": n.description,
                "quantity": n.quantity,
                "rate": f"{n.rate_percent}%",
                "amount_jpy": n.amount_jpy,
            }
            for n in invoice.lines
        ],
        "sums": [*rate_sums(invoice.totals_by_rate), ["合計(税込)", invoice.total_jpy]],
        "notes_title": "お支払方法",
        "notes": [
            *bank_words(),
            ["振込時の照合番号", f"{invoice.payment_reference}(振込依頼人名の前に入力してください)"],
        ],
        "small_print": [
            f"本書は、提供者 {invoice.issuer['name']} に代わり、{settings.current().operator_name}が交付しています。",
            "代金は、運営者が提供者の代理人として受領します。運営者の口座への入金をもってお支払いは完了します。",
        ]
        + ([] if invoice.title == rules.QUALIFIED else ["本書は適格請求書ではありません。"]),
    }


def credit_note_facts(note: CreditNote, invoice: Invoice) -> dict[str, Any]:
    """What a credit note says: the invoice it corrects, the amount by rate and its tax (消費税法57条の4第3項)."""
    return {
        "title": note.title,
        "number": note.number,
        "issuer": invoice.issuer,
        "recipient": invoice.recipient,
        "registration_number": invoice.issuer["registration_number"],
        "opening": "下記のとおり対価を返還いたします。",
        "total_label": "返還金額(税込)",
        "total_jpy": note.amount_jpy,
        "facts": [
            ["番号", note.number],
            ["返還日", jdate(note.issued_on)],
            ["元の請求書", f"{invoice.number}({jdate(invoice.issued_on)})"],
            ["元の取引年月日", period_words(invoice)],
        ],
        "columns": ["内容", "数量", "税率", "金額(税抜)"],
        "lines": [
            {
                "description": f"対価の返還: {note.reason}",
                "quantity": "一式",
                "rate": f"{note.rate_percent}%",
                "amount_jpy": note.taxable_jpy,
            }
        ],
        "sums": [
            [f"{note.rate_percent}%対象 返還額(税抜)", note.taxable_jpy],
            [f"{note.rate_percent}%対象 消費税額等", note.tax_jpy],
            ["返還額合計(税込)", note.amount_jpy],
        ],
        "notes_title": "内訳",
        "notes": [
            ["請求額からの減額", f"{note.amount_jpy - note.repaid_jpy:,}円"],
            ["返金する額", f"{note.repaid_jpy:,}円"],
        ],
        "small_print": [],
    }


def rate_sums(totals_by_rate: list[Any]) -> list[list[Any]]:
    """The sums of each rate: what is taxed, and the tax."""
    rows: list[list[Any]] = []
    for total in totals_by_rate:
        rows.append([f"{total['rate_percent']}%対象 計(税抜)", total["taxable_jpy"]])
        rows.append([f"{total['rate_percent']}%対象 消費税額等", total["tax_jpy"]])
    return rows


def bank_words() -> list[list[str]]:
    """Where to pay, from the operator's settings; one line saying so where none is set yet."""
    account = settings.current().bank_account
    if not account.get("account_number"):
        return [["振込先", "運営事務局からご案内します"]]
    kind = bank_accounts.TYPES.get(account.get("account_type", ""), "")
    return [
        ["金融機関", f"{account.get('bank_name', '')}({account.get('bank_code', '')})"],
        ["支店", f"{account.get('branch_name', '')}({account.get('branch_code', '')})"],
        ["口座", f"{kind} {account['account_number']}"],
        ["口座名義", account.get("account_holder_kana", "")],
    ]


def jdate(day: date) -> str:
    """A date as Japanese papers write it."""
    return f"{day.year}年{day.month}月{day.day}日"


def period_words(invoice: Invoice) -> str:
    """The day or the days of supply."""
    first, last = jdate(invoice.supplied_from), jdate(invoice.supplied_until)
    return first if first == last else f"{first}から{last}まで"


# --- typesetting ----------------------------------------------------------------------------------------------


def printed(facts: dict[str, Any], *, at: datetime) -> bytes:
    """The PDF/A-2a of these facts; characters the font lacks are set as 〓."""
    import typst

    content = json.dumps(_settable(facts), ensure_ascii=False)
    pdf: bytes = typst.compile(
        TEMPLATE,
        format="pdf",
        font_paths=[font().parent],
        ignore_system_fonts=True,
        sys_inputs={"document": content},
        pdf_standards=["a-2a"],
        timestamp=int(at.timestamp()),
    )
    return pdf


@lru_cache(maxsize=1)
def font() -> Path:
    """The IPAex Gothic that comes with matplotlib-fontja; its module is not imported, for it would load matplotlib."""
    from importlib.util import find_spec

    spec = find_spec("matplotlib_fontja")
    if spec is None or spec.origin is None:
        raise Unavailable()
    return Path(spec.origin).parent / "fonts" / "ipaexg.ttf"


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # the library has no types

    with TTFont(font(), lazy=True) as face:
        return frozenset(face.getBestCmap())


def _settable(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(c if ord(c) in _characters() or c == "\n" else GETA for c in value)
    if isinstance(value, dict):
        return {key: _settable(each) for key, each in value.items()}
    return [_settable(each) for each in value] if isinstance(value, list) else value

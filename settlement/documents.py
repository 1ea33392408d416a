"""Invoices and credit notes as PDF: archive format (PDF/A-2a), Japanese text, the same bytes from the same facts.

A document is made once, kept in the bucket under its hash, and its SHA-256 stands on the invoice, where the database
keeps it from changing. Requirements on what it says: 消費税法57条の4.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from exchange import clock, database, settings, storage
from exchange.database import session
from exchange.errors import Unavailable
from exchange.identity import bank_accounts
from settlement import fiscal_years, issuing, rules
from settlement.models import Assessment, CorrectedInvoice, CreditNote, Invoice, Payout, SellerInvoice

TEMPLATE = Path(__file__).with_name("invoice.typ")
GETA = "〓"  # what Japanese printers set where a character has no type


Paper = Invoice | CreditNote | CorrectedInvoice | Assessment
Kept = Paper | SellerInvoice  # the last comes as a file, and is never printed here


def kept(paper: Kept, invoice: Invoice | None = None) -> bytes:
    """The document of an invoice, of a credit note or correction of one, or of a sheet; made and fixed on first use.

    Raises `Unavailable` when what the bucket holds is not what was fixed.
    """
    if isinstance(paper, SellerInvoice):
        return _read(paper.document_key, paper.document_sha256)
    return fixed(paper, lambda: printed(_facts(paper, invoice), at=paper.issued_at))


def fixed(paper: Paper | Payout, made: Callable[[], bytes]) -> bytes:
    """The bytes of a document, made on first use and the same ones ever after.

    Raises `Unavailable` when what the bucket holds is not what was fixed.
    """
    if paper.document_key is None:
        database.lock(f"settlement/print/{paper.id}")
        session.refresh(paper, ["document_key", "document_sha256"])
    if paper.document_key is None:
        return _fix(paper, made())
    return _read(paper.document_key, paper.document_sha256)


def _read(key: str, digest: str | None) -> bytes:
    content = storage.read(key)
    if hashlib.sha256(content).hexdigest() != digest:
        raise Unavailable()
    return content


def _fix(paper: Paper | Payout, content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    key = f"documents/{paper.__tablename__}/{paper.id}/{digest}.pdf"
    storage.put(key, content, "application/pdf")
    paper.document_key, paper.document_sha256 = key, digest
    session.flush()
    return content


def _facts(paper: Paper, invoice: Invoice | None) -> dict[str, Any]:
    match paper:
        case Invoice():
            return invoice_facts(paper)
        case Assessment():
            return assessment_facts(paper)
        case CreditNote() if invoice is not None:
            return credit_note_facts(paper, invoice)
        case CorrectedInvoice() if invoice is not None:
            return correction_facts(paper, invoice)
    raise ValueError("a credit note or correction belongs to an invoice")


def invoice_facts(invoice: Invoice) -> dict[str, Any]:
    """What an invoice says, for the template; the tax of each rate stands on the sums, never on a line."""
    if invoice.is_statement:
        return statement_facts(invoice)
    facts = [
        ["請求書番号", invoice.number],
        ["発行日", clock.words(invoice.issued_on)],
        ["お支払期限", clock.words(invoice.payable_by)],
    ]
    facts.append(["取引年月日", period_words(invoice)])
    if invoice.mode == issuing.INTERMEDIARY:
        facts.append(["提供者(売手)", invoice.seller["name"]])
    if invoice.recipient.get("kind") == "municipality":
        facts.append(["会計年度", expenditure_words(invoice.supplied_until)])
    if invoice.purchase_order:
        facts.append(["ご注文番号", invoice.purchase_order])
    facts += [] if invoice.changed is None else _mended_facts(invoice.changed)
    paid = invoice.kind == "fee" and invoice.recipient.get("kind") != "municipality"
    return {
        "title": invoice.title,
        "number": invoice.number,
        "issuer": invoice.issuer,
        "recipient": invoice.recipient,
        "registration_number": invoice.issuer["registration_number"],
        "opening": "下記のとおりご請求申し上げます。"
        if invoice.changed is None
        else "下記のとおり、先にお送りした請求書に代えてご請求申し上げます。",
        "total_label": "ご請求金額(税込)",
        "total_jpy": invoice.total_jpy,
        "mended": [] if invoice.changed is None else _mended(invoice.changed),
        "facts": facts,
        **_lines_and_sums(invoice.lines, invoice.totals_by_rate, invoice.total_jpy),
        "notes_title": "お支払方法",
        "notes": [["お支払い", "受領した代金から差し引き済みです。お支払いは不要です。"]]
        if paid
        else [
            *bank_words(),
            ["振込時の照合番号", f"{invoice.payment_reference}(振込依頼人名の前に入力してください)"],
        ],
        "small_print": _small_print(invoice),
    }


def statement_facts(invoice: Invoice) -> dict[str, Any]:
    """What a seller needs to issue its own invoice: the same lines and sums, and where the money goes. No invoice."""
    operator, upload_by = settings.current(), invoice.issued_on + timedelta(days=rules.UPLOAD_WITHIN_DAYS)
    facts = [
        ["明細番号", invoice.number],
        ["作成日", clock.words(invoice.issued_on)],
        ["取引年月日", period_words(invoice)],
        ["請求先(利用者)", invoice.recipient["name"]],
    ]
    facts += [["ご注文番号", invoice.purchase_order]] if invoice.purchase_order else []
    facts += [] if invoice.changed is None else _mended_facts(invoice.changed)
    return {
        "title": invoice.title,
        "number": invoice.number,
        "issuer": {"name": operator.operator_name, "address": operator.operator_address},
        "recipient": invoice.seller,
        "registration_number": None,
        "opening": "下記の取引について、貴社の請求書を発行し、取引市場へアップロードしてください。",
        "total_label": "請求する額(税込)",
        "total_jpy": invoice.total_jpy,
        "mended": [] if invoice.changed is None else _mended(invoice.changed),
        "facts": facts,
        **_lines_and_sums(invoice.lines, invoice.totals_by_rate, invoice.total_jpy),
        "notes_title": "請求書に記載する事項",
        "notes": [
            ["アップロードの期限", clock.words(upload_by)],
            ["請求先の所在地", invoice.recipient["address"] or "–"],
            *bank_words(),
            ["振込時の照合番号", invoice.payment_reference],
        ],
        "small_print": [
            "本書は請求書でも適格請求書でもありません。請求書は、貴社の名称と登録番号で貴社が発行します。",
            "お支払期限は、請求書がアップロードされた日から数えます。",
            "代金は、運営者が提供者の代理人として受領します。",
        ],
    }


def _mended_facts(changed: dict[str, Any]) -> list[list[str]]:
    """Which paper a corrected invoice mends, by number and date (消費税法57条の4第4項), and what is paid of it."""
    facts = [["修正前の請求書", _pointed_at(changed["replaces"])]]
    if changed["first"] != changed["replaces"]:
        facts.append(["当初の請求書", _pointed_at(changed["first"])])
    paid, credited = changed["kept_jpy"], changed["credited_jpy"]
    if paid or credited:
        facts += [["お支払済みの額", f"{paid:,}円"]] if paid else []
        facts += [["返還済みの額", f"{credited:,}円"]] if credited else []
        facts.append(["お支払いいただく額", f"{changed['due_jpy']:,}円"])
    return facts


def _pointed_at(paper: dict[str, str]) -> str:
    return f"{paper['number']}({clock.words(date.fromisoformat(paper['issued_on']))})"


def _mended(changed: dict[str, Any]) -> list[list[str]]:
    """What was corrected, line by line, and why."""
    before, after = changed["total_jpy"]
    rows = [
        ["修正した明細", f"{_line_words(line['before'])} → {_line_words(line['after'])}"] for line in changed["lines"]
    ]
    rows.append(["請求額(税込)", f"{before:,}円 → {after:,}円"])
    if changed["freed_jpy"]:
        rows.append(["超過した入金", f"{changed['freed_jpy']:,}円(返金するか、ご指示により他の請求に充てます)"])
    return [*rows, ["理由", changed["reason"]]]


def _line_words(line: dict[str, Any] | None) -> str:
    if line is None:
        return "(なし)"
    return f"{line['description']} {line['quantity']} {line['amount_jpy']:,}円"


def _lines_and_sums(lines: Sequence[Any], totals_by_rate: list[Any], total_jpy: int) -> dict[str, Any]:
    return {
        "columns": ["内容", "数量", "税率", "金額(税抜)"],
        "lines": [
            {
                "description": n.description,
                "quantity": n.quantity,
                "rate": f"{n.rate_percent}%",
                "amount_jpy": n.amount_jpy,
            }
            for n in lines
        ],
        "sums": [*rate_sums(totals_by_rate), ["合計(税込)", total_jpy]],
    }


def _small_print(invoice: Invoice) -> list[str]:
    """Who issues in whose name, and that it is no 適格請求書 where it is none; never what the buyer may deduct."""
    operator = settings.current().operator_name
    seller = invoice.seller["name"]
    said = {
        issuing.INTERMEDIARY: f"本書は、消費税法施行令第70条の12(媒介者交付特例)により、提供者 {seller} に代わり、{operator}が自己の名称と登録番号で交付しています。",
        issuing.PROXY: f"本書は、提供者 {seller} に代わり、{operator}が交付しています。",
        issuing.PLAIN: f"本書は、提供者 {seller} に代わり、{operator}が交付しています。",
    }
    agent = "代金は、運営者が提供者の代理人として受領します。運営者の口座への入金をもってお支払いは完了します。"
    words = [] if invoice.kind == "fee" else [said[invoice.mode], agent]
    return words + ([] if invoice.is_qualified else ["本書は適格請求書ではありません。"])


def newest_words(invoice: Invoice) -> Invoice | CorrectedInvoice:
    """The paper that says last who the parties of an invoice are; its corrections are loaded."""
    return invoice.corrections[-1] if invoice.corrections else invoice


def as_corrected(invoice: Invoice) -> dict[str, Any]:
    """The parts of an invoice that corrections may mend, as the newest of them says."""
    newest = newest_words(invoice)
    return {
        "recipient_name": newest.recipient["name"],
        "recipient_address": newest.recipient["address"] or None,
        "purchase_order": newest.purchase_order,
        "registration_number": newest.issuer["registration_number"],
    }


PART_TITLES = {
    "recipient_name": "請求先の名称",
    "recipient_address": "請求先の所在地",
    "purchase_order": "ご注文番号",
    "registration_number": "登録番号",
}


def correction_facts(made: CorrectedInvoice, invoice: Invoice) -> dict[str, Any]:
    """The whole invoice as it should have been, with number and date of the first (消費税法57条の4第4項)."""
    facts = [
        ["番号", made.number],
        ["発行日", clock.words(made.issued_on)],
        ["修正前の請求書", f"{invoice.number}({clock.words(invoice.issued_on)})"],
        ["取引年月日", period_words(invoice)],
    ]
    if made.purchase_order:
        facts.append(["ご注文番号", made.purchase_order])
    notes = [[PART_TITLES[part], f"{old or '(なし)'} → {new or '(なし)'}"] for part, (old, new) in made.changed.items()]
    return invoice_facts(invoice) | {
        "title": made.title,
        "number": made.number,
        "issuer": made.issuer,
        "recipient": made.recipient,
        "registration_number": made.issuer["registration_number"],
        "opening": "下記のとおり、先にお送りした請求書を修正いたします。金額とお支払期限に変更はありません。",
        "facts": facts,
        "mended": [],
        "notes_title": "修正した事項",
        "notes": [*notes, ["理由", made.reason]],
        "small_print": [] if made.issuer["registration_number"] else ["本書は適格請求書ではありません。"],
    }


REVENUE_KINDS = {fiscal_years.OCCASIONAL: "随時の収入", fiscal_years.FIXED: "納期の一定している収入"}


def assessment_facts(sheet: Assessment) -> dict[str, Any]:
    """What a municipality needs for its assessment (調定): payer, amount, ground, period, proposed due date."""
    year = fiscal_years.of_revenue(sheet.revenue_kind, due_on=sheet.due_on, noticed_on=sheet.issued_on)
    return {
        "title": "調定用明細",
        "number": sheet.number,
        "issuer": {"name": settings.current().operator_name, "address": settings.current().operator_address},
        "recipient": sheet.provider,
        "registration_number": None,
        "opening": "下記の収入について、調定と納入の通知をお願いいたします。",
        "total_label": "納入金額(税込)",
        "total_jpy": sheet.total_jpy,
        "facts": [
            ["明細番号", sheet.number],
            ["作成日", clock.words(sheet.issued_on)],
            ["利用期間", period_words(sheet)],
            ["納期限(案)", clock.words(sheet.due_on)],
            ["所属年度(案)", f"{fiscal_years.words(year)}({REVENUE_KINDS[sheet.revenue_kind]})"],
        ],
        **_lines_and_sums(sheet.lines, sheet.totals_by_rate, sheet.total_jpy),
        "notes_title": "調定の資料",
        "notes": [
            ["納入義務者", sheet.buyer["name"]],
            ["所在地", sheet.buyer["address"] or "–"],
            ["法人番号", sheet.buyer.get("corporate_number") or "–"],
            ["契約番号", sheet.contract_number],
            ["請求の事由", "データ提供契約に基づく対価"],
            ["根拠", sheet.price_basis or "–"],
            *([["相手方の注文番号", sheet.purchase_order]] if sheet.purchase_order else []),
        ],
        "small_print": [
            "本書は納入通知書でも適格請求書でもありません。調定、納入の通知、収納は、貴団体が行います。",
            "この対価は公金であり、運営者は受け取りません(地方自治法第243条の2)。所属年度は、納入通知書を発した日により定まります(同法施行令第142条)。",
        ],
    }


def kept_until(issued_on: date) -> date:
    """Until when a paper is kept, by the settings in force."""
    in_force = settings.current()
    return rules.kept_until(issued_on, years=in_force.keep_years, fiscal_year_end_month=in_force.fiscal_year_end_month)


def expenditure_words(supplied_until: date) -> str:
    """The fiscal year that a public buyer pays from, and until when its books take the payment."""
    year = fiscal_years.of_expenditure(supplied_until)
    return f"{fiscal_years.words(year)}(出納整理期間 {clock.words(fiscal_years.books_close_on(year))}まで)"


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
            ["返還日", clock.words(note.issued_on)],
            ["元の請求書", f"{invoice.number}({clock.words(invoice.issued_on)})"],
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


def takes_transfers() -> bool:
    """Whether the operator has set an account to pay to."""
    return bool(settings.current().bank_account.get("account_number"))


def bank_words() -> list[list[str]]:
    """Where to pay, from the operator's settings; one line saying so where none is set yet."""
    account = settings.current().bank_account
    if not takes_transfers():
        return [["振込先", "運営事務局からご案内します"]]
    kind = bank_accounts.TYPES.get(account.get("account_type", ""), "")
    return [
        ["金融機関", f"{account.get('bank_name', '')}({account.get('bank_code', '')})"],
        ["支店", f"{account.get('branch_name', '')}({account.get('branch_code', '')})"],
        ["口座", f"{kind} {account['account_number']}"],
        ["口座名義", account.get("account_holder_kana", "")],
    ]


def period_words(invoice: Invoice | Assessment) -> str:
    """The day or the days of supply."""
    first, last = clock.words(invoice.supplied_from), clock.words(invoice.supplied_until)
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

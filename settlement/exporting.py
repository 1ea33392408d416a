"""Papers for others' systems: an archive with its index (電子帳簿保存法), a municipality's sheets as CSV. Formats only."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any

from settlement import documents, fiscal_years, journal
from settlement.models import Assessment, CorrectedInvoice, CreditNote, Invoice, SellerInvoice

INDEX = [
    *("種類", "番号", "発行日", "取引年月日", "発行者", "登録番号", "相手方", "売手", "金額(税込)", "うち消費税額等"),
    *("状態", "元の請求書", "保存期限", "ファイル", "SHA-256"),
]
BOM = "\ufeff"
Indexed = Invoice | SellerInvoice | CreditNote | CorrectedInvoice


def archive(invoices: Sequence[Invoice]) -> bytes:
    """A ZIP of the papers of invoices, with their credit notes and corrections, and `index.csv` that lists them."""
    out = io.BytesIO()
    rows = [INDEX]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for invoice in invoices:
            papers: list[Indexed] = [invoice]
            for paper in (
                papers + list(invoice.seller_invoices) + list(invoice.credit_notes) + list(invoice.corrections)
            ):
                content = documents.kept(paper, invoice)
                name = f"{paper.issued_on:%Y-%m}/{paper.number}-{paper.id}.pdf"
                packed.writestr(name, content)
                rows.append(_indexed(paper, invoice, name, content))
        packed.writestr("index.csv", BOM + "".join(map(journal.row, rows)))
    return out.getvalue()


def _indexed(paper: Indexed, invoice: Invoice, name: str, content: bytes) -> list[str]:
    mended = invoice.changed["replaces"]["number"] if invoice.changed else ""
    first = mended if isinstance(paper, Invoice) else invoice.number
    sign, money = (-1, paper) if isinstance(paper, CreditNote) else (1, invoice)
    total = money.amount_jpy if isinstance(money, CreditNote) else money.total_jpy
    issuer: Any = paper.issuer if isinstance(paper, CorrectedInvoice) else invoice.issuer
    recipient: Any = paper.recipient if isinstance(paper, CorrectedInvoice) else invoice.recipient
    if isinstance(paper, SellerInvoice):
        issuer, title = invoice.seller, "請求書(提供者が発行)"
    else:
        title = paper.title
    words = [title, paper.number, paper.issued_on.isoformat(), documents.period_words(invoice), issuer["name"]]
    words += [issuer["registration_number"] or "", recipient["name"], invoice.seller["name"]]
    cells = [journal.unharmful(each) for each in words] + [str(sign * total), str(sign * money.tax_jpy)]
    cells += [invoice.state, first, documents.kept_until(paper.issued_on).isoformat()]
    return [*cells, name, hashlib.sha256(content).hexdigest()]


SHEET = [
    *(
        "明細番号",
        "作成日",
        "所属年度(案)",
        "収入の区分",
        "納入義務者",
        "法人番号",
        "所在地",
        "契約番号",
        "根拠",
        "請求の事由",
    ),
    *("利用期間(自)", "利用期間(至)", "対価(税抜)", "消費税額等", "納入金額", "納期限(案)", "相手方注文番号"),
    *("状態", "納入通知書番号", "通知日", "納期限", "所属年度", "出納閉鎖日", "納付日"),
]
SHEET_STATES = {"prepared": "調定前", "noticed": "通知済み", "paid": "納付済み", "withdrawn": "取下げ"}


def assessments_csv(sheets: Sequence[Assessment], encoding: str = "utf-8") -> bytes:
    """Sheets as CSV, one a row, in UTF-8 with BOM or in Shift_JIS, where a character without a code becomes 〓."""
    content = "".join(map(journal.row, [SHEET, *map(_sheet, sheets)]))
    if encoding == "utf-8":
        return (BOM + content).encode()
    return b"".join(_shift_jis(character) for character in content)


def _shift_jis(character: str) -> bytes:
    try:
        return character.encode("cp932")
    except UnicodeEncodeError:
        return documents.GETA.encode("cp932")


def _sheet(sheet: Assessment) -> list[str]:
    proposed = fiscal_years.of_revenue(sheet.revenue_kind, due_on=sheet.due_on, noticed_on=sheet.issued_on)
    year = sheet.fiscal_year
    words = [sheet.number, sheet.issued_on.isoformat(), str(proposed), documents.REVENUE_KINDS[sheet.revenue_kind]]
    words += [sheet.buyer["name"], sheet.buyer.get("corporate_number") or "", sheet.buyer["address"]]
    words += [sheet.contract_number, sheet.price_basis, " / ".join(line.description for line in sheet.lines)]
    words += [sheet.supplied_from.isoformat(), sheet.supplied_until.isoformat()]
    words += [str(sheet.taxable_jpy), str(sheet.tax_jpy), str(sheet.total_jpy), sheet.due_on.isoformat()]
    words += [sheet.purchase_order or "", SHEET_STATES[sheet.state], sheet.notice_number or "", _day(sheet.noticed_on)]
    words += [_day(sheet.notice_due_on), str(year or ""), _day(fiscal_years.books_close_on(year) if year else None)]
    return [journal.unharmful(word) for word in [*words, _day(sheet.paid_on)]]


def _day(day: Any) -> str:
    return day.isoformat() if day else ""

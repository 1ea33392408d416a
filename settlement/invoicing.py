"""From charges to papers: invoices of providers to buyers, and of the exchange's fee to providers.

Charges of one month between the same two go on one invoice, so that the tax of the whole is rounded once; a purchase
order, or another issuer, makes another invoice. Issuing takes one lock, so that the clock, a month's close and someone
asking at the same moment make one invoice; the charges' unique names are the second lock. A municipality's charges
become sheets (`assessing`), never invoices.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select

from contracts.models import Contract
from exchange import audit, clock, database, jobs, settings
from exchange.database import new_id, session
from exchange.errors import text
from exchange.identity.actions import Word, notify_each
from exchange.identity.models import Organization
from exchange.identity.queries import operator_organization
from exchange.settings import Settings
from settlement import assessing, authorizing, charges, fiscal_years, issuing, ledger, papers, rules
from settlement.charges import Charge, Pair
from settlement.issuing import Issuing
from settlement.ledger import Booking, Move
from settlement.models import Invoice, InvoiceLine, RegistrationNotice
from settlement.papers import next_number

ACTIVATION = charges.ACTIVATION
# Numbers of the exchange as issuer, and of statements that are no invoices; every other mode counts the seller's own.
SERIES = {issuing.INTERMEDIARY: "MED", issuing.SELF: "STM"}


@dataclass(frozen=True)
class Paper:
    """Charges that go on one invoice, and who issues it."""

    charges: Sequence[Charge]
    issuing: Issuing
    purchase_order: str | None

    @property
    def contract(self) -> Contract:
        """One of the contracts, for the parties, which are the same in all."""
        return self.charges[0].contract

    @property
    def lines(self) -> list[rules.Line]:
        """The lines of all charges."""
        return [line for charge in self.charges for line in charge.lines]

    @property
    def supplied_from(self) -> date:
        """The first day of supply."""
        return min(charge.supplied_from for charge in self.charges)

    @property
    def supplied_until(self) -> date:
        """The last day of supply."""
        return max(charge.supplied_until for charge in self.charges)


def issue_activations(*, at: datetime) -> int:
    """Charge every one-off price whose contract became active, exactly once; how many papers were made."""
    if not charges.activations_due(limit=1):
        return 0
    database.lock("settlement/issue")
    return issue(charges.activations_due(), at=at)


def issue_month(
    month: str,
    *,
    after: Pair | None,
    at: datetime,
    but: Collection[str] = (),
    limit: int = charges.PAIRS_AT_ONCE,
) -> Pair | None:
    """Charge a month of the next pairs of provider and buyer after a pair; the last one done, None when none is left.

    Safe to run twice: what is charged already is left as it stands. Contracts in `but` are left for a later run.
    """
    database.lock("settlement/issue")
    pairs = charges.pairs_charged(month, after=after, limit=limit)
    if pairs:
        contracts = charges.contracts_charged(month, first=pairs[0], last=pairs[-1])
        issue(charges.month_charges(month, [each for each in contracts if each.id not in but]), at=at)
    return pairs[-1] if len(pairs) == limit else None


def issue(found: Sequence[Charge], *, at: datetime) -> int:
    """Make the papers of charges that have none, book them, tell who is told; how many there are.

    The caller holds the lock `settlement/issue`. A statement a table, however many charges there are.
    """
    public = [charge for charge in found if charge.contract.provider.kind == "municipality"]
    made = sorted_out([charge for charge in found if charge.contract.provider.kind != "municipality"])
    if made:
        _write(made, at)
    return len(made) + assessing.prepare(public, at=at)


def sorted_out(found: Sequence[Charge]) -> list[Paper]:
    """Which charges go on one invoice together, in the order of sellers and buyers."""
    number, notices = settings.current().operator_registration_number, _notices(found)
    number = number if number and operator_organization() else None
    together: dict[tuple[Any, ...], list[Charge]] = {}
    for charge in found:
        deal = charge.contract
        how = issuing.decide(
            deal.provider,
            notices.get(deal.provider_id, []),
            operator_number=number,
            begun_at=charge.begun_at,
            supplied_until=charge.supplied_until,
        )
        alone = deal.id if charge.ground == ACTIVATION else ""
        key = (deal.provider_id, deal.buyer_id, alone, deal.purchase_order or "", how.mode, how.registration_number)
        together.setdefault(key, []).append(charge)
    ordered = sorted(together.items(), key=lambda each: tuple(part or "" for part in each[0]))
    return [Paper(group, Issuing(key[4], key[5]), key[3] or None) for key, group in ordered]


def _notices(found: Iterable[Charge]) -> dict[str, list[Any]]:
    sellers = {charge.contract.provider_id for charge in found}
    query = select(RegistrationNotice).where(RegistrationNotice.organization_id.in_(sellers))
    notices: dict[str, list[Any]] = {}
    for notice in session.scalars(query):
        notices.setdefault(notice.organization_id, []).append(notice)
    return notices


def _write(made: Sequence[Paper], at: datetime) -> None:
    in_force, operator = settings.current(), operator_organization()
    issuers = [_numbered_by(paper, operator) for paper in made]
    numbers, references = papers.take_numbers(issuers), papers.references(len(made))
    ids = sorted(new_id() for _ in made)
    rows = []
    for n, paper in enumerate(made):
        told = {"id": ids[n], "number": numbers[n], "payment_reference": references[n]}
        rows.append(_as_issued(paper, at, in_force, operator) | told)
    session.flush()
    session.execute(insert(Invoice), rows)
    session.execute(insert(InvoiceLine), [row for n, paper in enumerate(made) for row in _lines(ids[n], paper.lines)])
    _book(rows, at)
    _tell_issued(rows, at)
    due = [row for row in rows if row["ground"] == ACTIVATION and row["due_on"]]
    authorizing.capture_for([(row["contract_id"], row["id"]) for row in due], at=at)


def _numbered_by(paper: Paper, operator: Organization | None) -> tuple[str, str]:
    if paper.issuing.mode == issuing.INTERMEDIARY and operator:
        return operator.id, SERIES[issuing.INTERMEDIARY]
    return paper.contract.provider_id, SERIES.get(paper.issuing.mode, "INV")


def _as_issued(paper: Paper, at: datetime, in_force: Settings, operator: Organization | None) -> dict[str, Any]:
    """The invoice as it will stand: names, title as of the day of supply, totals by rate, the fee agreed today."""
    deal, on = paper.contract, clock.day_of(at)
    contracts = {charge.contract.id for charge in paper.charges}
    percent = in_force.fee_percent.get(deal.provider.kind, 0)
    own_number = rules.registration_on(deal.provider, paper.supplied_until)
    seller = papers.facts(deal.provider) | {"registration_number": own_number}
    until, kind = paper.supplied_until, deal.buyer.kind
    money = papers.amounts(rules.totals_by_rate(paper.lines))
    return {
        "kind": "sale",
        "mode": paper.issuing.mode,
        "issuer_id": deal.provider_id,
        "recipient_id": deal.buyer_id,
        "contract_id": deal.id if len(contracts) == 1 else None,
        "ground": paper.charges[0].ground,
        "period": paper.charges[0].period,
        "supplied_from": paper.supplied_from,
        "supplied_until": until,
        "issued_at": at,
        "issued_on": on,
        "due_on": None
        if paper.issuing.mode == issuing.SELF
        else fiscal_years.due_on(on, in_force.due_days, buyer_kind=kind, supplied_until=until),
        "title": paper.issuing.title,
        "issuer": _issuer_facts(paper.issuing, seller, in_force, operator),
        "seller": seller,
        "recipient": papers.facts(deal.buyer) | {"kind": kind},
        "fee_percent": percent,
        "fee_jpy": rules.fee_jpy(money["taxable_jpy"], percent),
        "purchase_order": paper.purchase_order,
        **money,
        **UNPAID,
    }


UNPAID = {"state": "issued", "paid_jpy": 0, "refunded_jpy": 0, "credited_jpy": 0, "fee_taken_jpy": 0}


def _issuer_facts(
    how: Issuing, seller: dict[str, Any], in_force: Settings, operator: Organization | None
) -> dict[str, Any]:
    if how.mode == issuing.INTERMEDIARY and operator:
        return operator_facts(operator, in_force)
    return seller | {"registration_number": how.registration_number}


def operator_facts(operator: Organization, in_force: Settings) -> dict[str, Any]:
    """The exchange as an issuer, from the settings in force."""
    number = in_force.operator_registration_number
    name, address = in_force.operator_name, in_force.operator_address
    return {"id": operator.id, "name": name, "address": address, "registration_number": number}


def _lines(invoice_id: str, lines: Sequence[rules.Line]) -> list[dict[str, Any]]:
    return [{"invoice_id": invoice_id, "position": n, **asdict(line)} for n, line in enumerate(lines, 1)]


def _book(rows: Sequence[dict[str, Any]], at: datetime) -> None:
    bookings = [
        Booking(
            f"invoice/{row['id']}/issued",
            [Move(row["total_jpy"], ledger.uncollected(row["issuer_id"]), ledger.billed(row["recipient_id"]))],
            reference=f"invoice/{row['id']}",
            words=f"請求 {row['seller']['name']} {row['number']}",
        )
        for row in rows
    ]
    ledger.post_each(bookings, at=at, booked_on=rows[0]["issued_on"])


def _tell_issued(rows: Sequence[dict[str, Any]], at: datetime) -> None:
    """The audit log, the printing of the papers, and word to buyers and, where their name is not on it, to sellers."""
    audit.record_each(
        "invoice.issue",
        [
            (
                f"invoice/{row['id']}",
                row["issuer_id"],
                {name: row[name] for name in ("number", "total_jpy", "ground", "mode")}
                | {"contract": row["contract_id"]},
            )
            for row in rows
        ],
        actor=None,
        at=at,
    )
    jobs.enqueue_each("print-invoice", [{"invoice_id": row["id"]} for row in rows], at=at)
    copies = [_word_to_seller(row) for row in rows if row["mode"] == issuing.INTERMEDIARY]
    notify_each([*map(_first_word, rows), *copies], roles=papers.MONEY_ROLES, at=at)


def _first_word(row: dict[str, Any]) -> Word:
    """To the buyer, who is to pay; to the seller where it is to issue the invoice first."""
    return _word_to_buyer(row) if row["due_on"] else _word_of_statement(row)


def _word_of_statement(row: dict[str, Any]) -> Word:
    body = text(
        "%(buyer)s への請求明細 %(number)s、%(total)s円を作成しました。%(days)s日以内に、明細どおりの請求書(PDF)をアップロードしてください。",
        buyer=row["recipient"]["name"],
        number=row["number"],
        total=f"{row['total_jpy']:,}",
        days=rules.UPLOAD_WITHIN_DAYS,
    )
    return Word(row["issuer_id"], text("請求書を発行してください"), body, f"/desk/invoices/{row['id']}")


def _word_to_buyer(row: dict[str, Any]) -> Word:
    body = text(
        "%(issuer)s から %(number)s、%(total)s円の請求書が発行されました。お支払期限は%(due)sです。",
        issuer=row["issuer"]["name"],
        number=row["number"],
        total=f"{row['total_jpy']:,}",
        due=clock.words(row["due_on"]),
    )
    return Word(row["recipient_id"], text("請求書が発行されました"), body, f"/desk/invoices/{row['id']}")


def _word_to_seller(row: dict[str, Any]) -> Word:
    """The copy that the exchange owes the seller at once (施行令70条の12第3項)."""
    body = text(
        "%(buyer)s への適格請求書 %(number)s を、媒介者交付特例により運営者の名称で交付しました。写しを保存してください。",
        buyer=row["recipient"]["name"],
        number=row["number"],
    )
    return Word(row["issuer_id"], text("適格請求書の写しをお届けします"), body, f"/desk/invoices/{row['id']}")


def credit_note_number(invoice: Invoice) -> str:
    """The next number of credit notes of whoever stands on the invoice; the exchange's own where it issued."""
    own = invoice.mode == issuing.INTERMEDIARY
    return next_number(invoice.issuer["id"], "MRT") if own else next_number(invoice.issuer_id, "RTN")


# ---- the exchange's fee


def issue_fees(month: str, *, at: datetime, but: Collection[str] = ()) -> int:
    """Invoice each provider the fees that its receipts brought until a month's end and no invoice named yet.

    Fees were taken from the money received, so these invoices are paid as they are made. What refunds gave back
    lowers the next one. A municipality's fee is on its sheets of the month, and is to be paid; those of providers in
    `but`, whose sheets are not all there, are left for a later run. How many there are.
    """
    operator = operator_organization()
    database.lock("settlement/issue")
    taken = _fees_taken(until=clock.month_bounds(month)[1].date()) if operator else {}
    sheets = assessing.fees(month) if operator else {}
    public = {provider: amount for provider, amount in sheets.items() if provider not in but}
    due = {key: amount for key, amount in {**taken, **public}.items() if amount > 0}
    done = select(Invoice.recipient_id).where(Invoice.kind == "fee", Invoice.ground == f"fee/{month}")
    due = {key: due[key] for key in sorted(set(due) - set(session.scalars(done)))}
    if operator and due:
        _write_fees(month, due, set(public), operator, at)
    return len(due)


def _fees_taken(*, until: date) -> dict[str, int]:
    """What was taken of each provider's money by the end of a month, less what invoices of fees say already."""
    taken = ledger.fees_by_provider(until=until)
    query = select(Invoice.recipient_id, func.sum(Invoice.total_jpy)).where(Invoice.kind == "fee")
    invoiced = {str(row[0]): int(row[1]) for row in session.execute(query.group_by(Invoice.recipient_id))}
    return {provider: amount - invoiced.get(provider, 0) for provider, amount in taken.items()}


def _write_fees(month: str, due: dict[str, int], to_pay: set[str], operator: Organization, at: datetime) -> None:
    in_force = settings.current()
    recipients = {o.id: o for o in session.scalars(select(Organization).where(Organization.id.in_(due)))}
    numbers, references = papers.take_numbers([(operator.id, "FEE")] * len(due)), papers.references(len(due))
    rows = []
    for n, (provider, total) in enumerate(due.items()):
        row = _fee_row(month, recipients[provider], total, in_force, operator, at)
        settled = {} if provider in to_pay else {"state": "paid", "paid_jpy": total, "paid_at": at}
        rows.append(row | settled | {"number": numbers[n], "payment_reference": references[n]})
    session.flush()
    session.execute(insert(Invoice), [{"paid_at": None, **row} for row in rows])
    session.execute(insert(InvoiceLine), [each for row in rows for each in _lines(row["id"], [_fee_line(month, row)])])
    if unpaid := [row for row in rows if row["state"] == "issued"]:
        _book(unpaid, at)
    _tell_issued(rows, at)


def _fee_line(month: str, row: dict[str, Any]) -> rules.Line:
    year, number = month.split("-")
    words = f"データ取引市場 利用手数料 {year}年{int(number)}月分"
    return rules.Line(words, row["taxable_jpy"], "一式")


def _fee_row(
    month: str, provider: Organization, total: int, in_force: Settings, operator: Organization, at: datetime
) -> dict[str, Any]:
    first, last = charges.month_days(month)
    on, issuer = clock.day_of(at), operator_facts(operator, in_force)
    number = in_force.operator_registration_number
    return {
        "id": new_id(),
        "kind": "fee",
        "mode": issuing.SELF if number else issuing.PLAIN,
        "issuer_id": operator.id,
        "recipient_id": provider.id,
        "contract_id": None,
        "ground": f"fee/{month}",
        "period": month,
        "supplied_from": first,
        "supplied_until": last,
        "issued_at": at,
        "issued_on": on,
        "due_on": fiscal_years.due_on(on, in_force.due_days, buyer_kind=provider.kind, supplied_until=last),
        "title": rules.invoice_title(number),
        "issuer": issuer,
        "seller": issuer,
        "recipient": papers.facts(provider) | {"kind": provider.kind},
        "fee_percent": 0,
        "fee_jpy": 0,
        "purchase_order": None,
        **papers.amounts([rules.totals_within(total)]),
        **UNPAID,
    }


__all__ = ["ACTIVATION", "credit_note_number", "issue", "issue_activations", "issue_fees", "issue_month"]

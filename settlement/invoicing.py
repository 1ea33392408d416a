"""From contracts and usage to invoices: what is owed, by whom to whom, each charge exactly once.

A charge is named by its contract and its ground (`activation`, `month/2026-10`); the pair is unique in the database,
and issuing takes one lock, so that the clock, a month's close and someone asking at the same moment make one invoice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from contracts import pricing as prices
from contracts.models import Contract
from delivery.queries import ContractUsage, late_usage, usage_by_contract
from exchange import audit, clock, database, jobs, settings
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, text
from exchange.identity.actions import notify
from exchange.identity.models import Organization
from settlement import ledger, rules
from settlement.ledger import Move
from settlement.models import Invoice, InvoiceCounter, InvoiceLine, Period
from settlement.models.invoices import REFERENCE_NUMBERS

ACTIVATION = "activation"
MONTHLY_MODELS = ("subscription", "metered", "revenue_share")
AT_ONCE = 200
LATE_MONTHS = 3  # log lines may come hours or days late, disputes take weeks; what comes later is settled by hand


class PublicMoney(Conflict):
    """Money of a municipality does not pass through the exchange (地方自治法243条の2)."""

    title_ja = N_("公金は取り扱えません")


@dataclass(frozen=True)
class Charge:
    """What one contract owes for one ground: the lines, and the days they were supplied on."""

    contract: Contract
    ground: str
    period: str
    lines: Sequence[rules.Line]
    supplied_from: date
    supplied_until: date


def activations_due(limit: int = AT_ONCE) -> list[Contract]:
    """Contracts with a one-off price that became active and have no invoice for it, the oldest first.

    Ending a contract never erases the charge. Municipal providers are left out: their money is not ours to collect.
    """
    query = _with_parties().where(
        Contract.activated_at.is_not(None),
        Contract.pricing["model"].astext == "one_off",
        Contract.pricing["price_jpy"].astext.cast(BigInteger) > 0,
        ~_invoiced(ACTIVATION),
    )
    return list(session.scalars(query.order_by(Contract.id).limit(limit)))


def charged_monthly(month: str, *, after: str = "", limit: int = AT_ONCE) -> list[Contract]:
    """Contracts of monthly prices in force in a month or those whose late usage it still takes, by id from `after` on."""
    since, until = clock.month_bounds(([*_months_before(month), month])[0])[0], clock.month_bounds(month)[1]
    query = _with_parties().where(
        Contract.id > after,
        Contract.activated_at < until,
        Contract.ended_at.is_(None) | (Contract.ended_at >= since),
        Contract.pricing["model"].astext.in_(MONTHLY_MODELS),
    )
    return list(session.scalars(query.order_by(Contract.id).limit(limit)))


def _with_parties() -> Select[Contract]:
    parties = (joinedload(Contract.provider), joinedload(Contract.buyer), joinedload(Contract.listing))
    query = select(Contract).join(Organization, Organization.id == Contract.provider_id).options(*parties)
    return query.where(Organization.kind != "municipality")


def _invoiced(ground: str) -> Any:
    return select(Invoice.id).where(Invoice.contract_id == Contract.id, Invoice.ground == ground).exists()


def issue_activations(*, at: datetime) -> int:
    """Invoice every one-off price whose contract became active, exactly once; how many were issued."""
    if not activations_due(limit=1):
        return 0
    database.lock("settlement/issue")
    return sum(issue(activation_charge(contract), at=at) is not None for contract in activations_due())


def activation_charge(contract: Contract) -> Charge:
    """The one-off price of a contract, supplied on the day it became active."""
    price = prices.activation_charge_jpy(prices.parse(contract.pricing))
    on = _day(contract.activated_at or contract.requested_at)
    line = rules.Line(f"{contract.listing.title} データ利用料(契約 {contract.number})", price, "一式")
    return Charge(contract, ACTIVATION, f"{on:%Y-%m}", [line], on, on)


def monthly_charge(contract: Contract, month: str, usage: ContractUsage | None, *, until: date | None = None) -> Charge:
    """What a contract owes for a month, from the price agreed and the usage metered; no lines when nothing.

    `until` is the last day counted in a month that still runs.
    """
    price, (first, last) = prices.parse(contract.pricing), month_days(month)
    days = days_in_force(contract, first, min(last, until or last))
    amount = prices.monthly_charge_jpy(
        price,
        usage_bytes=usage.billable_bytes if usage else 0,
        downloads=usage.downloads if usage else 0,
        reported_sales_jpy=0,
        days_active=days,
        days_in_month=last.day,
    )
    title = f"{contract.listing.title} データ利用料 {first.year}年{first.month}月分(契約 {contract.number}、{prices.words(price)})"
    line = rules.Line(title, amount, quantity_words(price, usage, days, last.day))
    begin = max(first, contract.starts_on or first)
    return Charge(
        contract, f"month/{month}", month, [line] if amount else [], begin, min(last, last_day(contract) or last)
    )


def month_days(month: str) -> tuple[date, date]:
    """The first and the last day of a month `YYYY-MM`."""
    since, until = clock.month_bounds(month)
    return since.date(), until.date() - timedelta(days=1)


def last_day(contract: Contract) -> date | None:
    """The last day on which a contract was in force, if that is known: its term's end, or the day it was ended."""
    days = [contract.ends_on, _day(contract.ended_at) if contract.ended_at else None]
    return min((day for day in days if day), default=None)


def days_in_force(contract: Contract, first: date, last: date) -> int:
    """Days from first to last on which a contract was in force."""
    begun = contract.starts_on or _day(contract.activated_at or contract.requested_at)
    return rules.days_active(first=begun, last=last_day(contract), month_first=first, month_last=last)


def quantity_words(price: prices.Pricing, usage: ContractUsage | None, days: int, days_in_month: int) -> str:
    """The quantity column of a monthly line: gigabytes, downloads, or days in force."""
    if isinstance(price, prices.Metered) and price.unit == "gigabyte":
        gigabytes = Decimal(usage.billable_bytes if usage else 0) / prices.GIGABYTE
        return f"{format(gigabytes.normalize(), 'f')} GB"
    if isinstance(price, prices.Metered):
        return f"{usage.downloads if usage else 0} 回"
    return f"{days}日/{days_in_month}日"


def _day(moment: datetime) -> date:
    return moment.astimezone(clock.JST).date()


def issue(charge: Charge, *, at: datetime, by: str | None = None) -> Invoice | None:
    """Issue the invoice of a charge, book it in the memorandum accounts, tell the buyer; None where it stands already.

    Raises `PublicMoney` for a municipality's charge. The caller holds the lock `settlement/issue`.
    """
    contract = charge.contract
    if contract.provider.kind == "municipality":
        raise PublicMoney(
            text("自治体の対価は公金であり、取引市場を通しません。自治体が納入通知書により直接請求します。")
        )
    if not charge.lines or session.scalar(_standing(charge)):
        return None
    invoice = _written(charge, at)
    session.add(invoice)
    session.flush()
    ledger.post(
        f"invoice/{invoice.id}/issued",
        [Move(invoice.total_jpy, ledger.uncollected(invoice.issuer_id), ledger.billed(invoice.recipient_id))],
        at=at,
        booked_on=invoice.issued_on,
        reference=f"invoice/{invoice.id}",
        words=f"請求 {invoice.issuer['name']} {invoice.number}",
    )
    audit.record(
        "invoice.issue",
        actor=by,
        subject=f"invoice/{invoice.id}",
        organization=invoice.issuer_id,
        at=at,
        detail={
            "number": invoice.number,
            "total_jpy": invoice.total_jpy,
            "contract": contract.id,
            "ground": charge.ground,
        },
    )
    jobs.enqueue("print-invoice", {"invoice_id": invoice.id}, at=at)
    _tell_buyer(invoice, at)
    return invoice


def _standing(charge: Charge) -> Select[str]:
    return select(Invoice.id).where(Invoice.contract_id == charge.contract.id, Invoice.ground == charge.ground)


def _written(charge: Charge, at: datetime) -> Invoice:
    """The invoice as it will stand: names, title and number as of the day, totals by rate, the fee agreed today."""
    contract, in_force, on = charge.contract, settings.current(), _day(at)
    registration = rules.registration_on(contract.provider, charge.supplied_until)
    totals = rules.totals_by_rate(charge.lines)
    taxable, tax = sum(t.taxable_jpy for t in totals), sum(t.tax_jpy for t in totals)
    percent = in_force.fee_percent.get(contract.provider.kind, 0)
    invoice_id = new_id()
    return Invoice(
        id=invoice_id,
        number=next_number(contract.provider_id, "INV"),
        issuer_id=contract.provider_id,
        recipient_id=contract.buyer_id,
        contract_id=contract.id,
        ground=charge.ground,
        period=charge.period,
        supplied_from=charge.supplied_from,
        supplied_until=charge.supplied_until,
        issued_at=at,
        issued_on=on,
        due_on=on + timedelta(days=in_force.due_days),
        payment_reference=rules.payment_reference(session.scalar(select(REFERENCE_NUMBERS.next_value())) or 0),
        title=rules.invoice_title(registration),
        issuer=_facts(contract.provider) | {"registration_number": registration},
        recipient=_facts(contract.buyer),
        totals_by_rate=[asdict(total) for total in totals],
        taxable_jpy=taxable,
        tax_jpy=tax,
        total_jpy=taxable + tax,
        fee_percent=percent,
        fee_jpy=rules.fee_jpy(taxable, percent),
        purchase_order=contract.purchase_order,
        state="issued",
        paid_jpy=0,
        refunded_jpy=0,
        credited_jpy=0,
        fee_taken_jpy=0,
        lines=[
            InvoiceLine(invoice_id=invoice_id, position=n, **asdict(line)) for n, line in enumerate(charge.lines, 1)
        ],
    )


def _facts(organization: Organization) -> dict[str, Any]:
    return {"id": organization.id, "name": organization.name, "address": organization.address}


def next_number(issuer_id: str, series: str) -> str:
    """The issuer's next number of a series, without gaps: given only if the transaction that takes it commits."""
    first = insert(InvoiceCounter).values(issuer_id=issuer_id, series=series, last=1)
    taken = first.on_conflict_do_update(
        index_elements=["issuer_id", "series"], set_={"last": InvoiceCounter.last + 1}
    ).returning(InvoiceCounter.last)
    return f"{series}-{session.scalar(taken):06d}"


def _tell_buyer(invoice: Invoice, at: datetime) -> None:
    notify(
        organization_id=invoice.recipient_id,
        roles=("owner", "accountant"),
        title=text("請求書が発行されました"),
        body=text(
            "%(issuer)s から %(number)s、%(total)s円の請求書が発行されました。お支払期限は%(due)sです。",
            issuer=invoice.issuer["name"],
            number=invoice.number,
            total=f"{invoice.total_jpy:,}",
            due=f"{invoice.due_on.year}年{invoice.due_on.month}月{invoice.due_on.day}日",
        ),
        path=f"/desk/invoices/{invoice.id}",
        at=at,
    )


def issue_month(month: str, *, after: str, at: datetime, limit: int = AT_ONCE) -> str | None:
    """Invoice a month's charges of the next contracts after an id; the last id done, or None when none is left.

    Usage of closed months that was counted after their invoices is charged here, on lines that name its month. Safe to
    run twice: what is invoiced already is left as it stands.
    """
    database.lock("settlement/issue")
    contracts = charged_monthly(month, after=after, limit=limit)
    since, until = clock.month_bounds(month)
    usage = {u.contract_id: u for u in usage_by_contract(since=since, until=until)} if contracts else {}
    late = _late_usage(month) if contracts else {}
    for contract in contracts:
        charge = monthly_charge(contract, month, usage.get(contract.id))
        issue(_with_late(charge, late.get(contract.id, {})), at=at)
    return contracts[-1].id if len(contracts) == limit else None


def _months_before(month: str) -> list[str]:
    """The closed months before a month whose late usage it takes, in order."""
    months: list[str] = []
    while len(months) < LATE_MONTHS:
        since, _ = clock.month_bounds(months[-1] if months else month)
        months.append(clock.month_of(since - timedelta(days=1)))
    closed = session.scalars(select(Period.month).where(Period.month.in_(months), Period.state == "closed"))
    return sorted(closed)


def _late_usage(month: str) -> dict[str, dict[str, ContractUsage]]:
    """Of contracts whose usage of a closed month changed since it was closed: the usage as it is now, by month."""
    found: dict[str, dict[str, ContractUsage]] = {}
    for earlier in _months_before(month):
        since = session.get_one(Period, earlier).requested_at
        for usage in late_usage(earlier, since=since):
            found.setdefault(usage.contract_id, {})[earlier] = usage
    return found


def _with_late(charge: Charge, late: dict[str, ContractUsage]) -> Charge:
    """A month's charge with the differences of earlier months. What would leave nothing to pay waits for the next."""
    lines, earliest = list(charge.lines), None
    differences = [(month, _difference(charge.contract, month, usage)) for month, usage in sorted(late.items())]
    for month, amount in sorted(differences, key=lambda each: -each[1]):
        if amount and sum(line.amount_jpy for line in lines) + amount > 0:
            lines.append(_late_line(charge.contract, month, amount))
            earliest = min(month, earliest or month)
    if charge.lines or earliest is None:
        return replace(charge, lines=lines)
    first, last = month_days(earliest)
    until = min(last, last_day(charge.contract) or last)
    return replace(charge, lines=lines, supplied_from=first, supplied_until=until)


def _difference(contract: Contract, month: str, usage: ContractUsage) -> int:
    """What a month's usage costs now, less what was invoiced for it, in yen without tax."""
    billed = (
        select(func.coalesce(func.sum(InvoiceLine.amount_jpy), 0))
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(Invoice.contract_id == contract.id, Invoice.ground.startswith("month/"))
        .where(func.coalesce(InvoiceLine.month, Invoice.period) == month)
    )
    due = sum(line.amount_jpy for line in monthly_charge(contract, month, usage).lines)
    return due - int(session.scalar(billed) or 0)


def _late_line(contract: Contract, month: str, amount_jpy: int) -> rules.Line:
    year, number = month.split("-")
    what = f"{contract.listing.title} データ利用料 {year}年{int(number)}月分の調整"
    why = f"(契約 {contract.number}、締めた後に確定した利用)"
    return rules.Line(what + why, amount_jpy, "差額", month=month)

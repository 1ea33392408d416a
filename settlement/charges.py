"""From contracts and usage to charges: what each contract owes for each ground, before anyone writes it on paper.

A charge is named by its contract and its ground: `activation`, `month/2026-10`, and `late/2026-11/2026-10` for what
became known of October after it was closed and is charged with November. The pair is unique in the database, on
invoices and on a municipality's sheets alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Select, func, or_, select, true, tuple_
from sqlalchemy.orm import joinedload, selectinload

from contracts import pricing as prices
from contracts.models import Contract
from delivery.queries import ContractUsage, late_usage, usage_by_contract
from exchange import clock
from exchange.database import session
from listings.models import Listing
from settlement import rules
from settlement.models import Assessment, AssessmentLine, Invoice, InvoiceLine, Period, SalesReport

ACTIVATION = "activation"
MONTHLY_MODELS = ("subscription", "metered", "revenue_share")
LATE_MONTHS = 3  # log lines may come hours or days late, disputes take weeks; what comes later is settled by hand
PAIRS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Charge:
    """What one contract owes for one ground: the lines, since when and on which days they were supplied."""

    contract: Contract
    ground: str
    period: str
    lines: Sequence[rules.Line]
    begun_at: datetime
    supplied_from: date
    supplied_until: date


@dataclass(frozen=True)
class Counted:
    """What a month's charges are computed from: usage and reported sales, by contract."""

    usage: Mapping[str, ContractUsage] = field(default_factory=dict)
    sales_jpy: Mapping[str, int] = field(default_factory=dict)

    def amount_jpy(self, contract: Contract, month: str, *, until: date | None = None) -> int:
        """Yen without tax that a contract costs for a month; `until` is the last day counted where it still runs."""
        first, last = month_days(month)
        usage = self.usage.get(contract.id)
        return prices.monthly_charge_jpy(
            prices.parse(contract.pricing),
            usage_bytes=usage.billable_bytes if usage else 0,
            downloads=usage.downloads if usage else 0,
            reported_sales_jpy=self.sales_jpy.get(contract.id, 0),
            days_active=days_in_force(contract, first, min(last, until or last)),
            days_in_month=last.day,
        )


def with_parties() -> Select[Contract]:
    """Contracts with all that a charge says of them."""
    listing = joinedload(Contract.listing).load_only(Listing.id, Listing.title)
    return select(Contract).options(
        listing, selectinload(Contract.provider), selectinload(Contract.buyer), joinedload(Contract.offer)
    )


# ---- one-off prices


def activations_due(limit: int = 200) -> list[Charge]:
    """One-off prices of contracts that became active and were not charged yet, the oldest first.

    Ending a contract never erases the charge.
    """
    query = with_parties().where(
        Contract.activated_at.is_not(None),
        Contract.pricing["model"].astext == "one_off",
        Contract.pricing["price_jpy"].astext.cast(BigInteger) > 0,
        ~_charged(InvoiceLine),
        ~_charged(AssessmentLine),
    )
    return [activation_charge(contract) for contract in session.scalars(query.order_by(Contract.id).limit(limit))]


def _charged(line: Any) -> Any:
    return select(line.position).where(line.contract_id == Contract.id, line.ground == ACTIVATION).exists()


def activation_charge(contract: Contract) -> Charge:
    """The one-off price of a contract, supplied on the day it became active."""
    price = prices.activation_charge_jpy(prices.parse(contract.pricing))
    at = contract.activated_at or contract.requested_at
    on, words = clock.day_of(at), f"{contract.listing.title} データ利用料(契約 {contract.number})"
    line = rules.Line(words, price, "一式", contract_id=contract.id, ground=ACTIVATION)
    return Charge(contract, ACTIVATION, f"{on:%Y-%m}", [line], at, on, on)


# ---- months

Pair = tuple[str, str]  # provider and buyer: what they owe each other for a month goes on one paper


def pairs_charged(month: str, *, after: Pair | None, limit: int = PAIRS_AT_ONCE) -> list[Pair]:
    """Providers and buyers with contracts that a month may charge, in order, after a pair."""
    pair = (Contract.provider_id, Contract.buyer_id)
    query = select(*pair).where(*_charged_in(month)).distinct().order_by(*pair).limit(limit)
    if after is not None:
        query = query.where(tuple_(*pair) > tuple_(*after))
    return [(str(row[0]), str(row[1])) for row in session.execute(query)]


def contracts_charged(month: str, *, first: Pair, last: Pair) -> list[Contract]:
    """The contracts that a month may charge, of the pairs from the first to the last."""
    pair = tuple_(Contract.provider_id, Contract.buyer_id)
    query = with_parties().where(*_charged_in(month), pair >= tuple_(*first), pair <= tuple_(*last))
    return list(session.scalars(query.order_by(Contract.id)))


def contracts_of(organization_id: str, month: str) -> list[Contract]:
    """The contracts of one organization, on either side, that a month may charge."""
    mine = or_(Contract.provider_id == organization_id, Contract.buyer_id == organization_id)
    return list(session.scalars(with_parties().where(*_charged_in(month), mine).order_by(Contract.id)))


def _charged_in(month: str) -> list[Any]:
    """Contracts of monthly prices in force in a month, or whose late usage it still takes."""
    since, until = clock.month_bounds(([*closed_before(month), month])[0])[0], clock.month_bounds(month)[1]
    return [
        Contract.activated_at < until,
        Contract.ended_at.is_(None) | (Contract.ended_at >= since),
        Contract.pricing["model"].astext.in_(MONTHLY_MODELS),
    ]


def month_charges(month: str, contracts: Sequence[Contract]) -> list[Charge]:
    """What these contracts owe for a month that nobody charged them for yet: as many statements for one as for all.

    Usage and reports of closed months that became known after their close are charged here, on lines of their own.
    """
    ids = [contract.id for contract in contracts]
    done, basis = _charged_already(month, ids), counted(month, ids)
    late, billed = _late(month, ids), _billed(closed_before(month), ids)
    found = []
    for contract in contracts:
        if contract.id not in done:
            differences = _differences(contract, late, billed)
            found.append(_with_late(month_charge(contract, month, basis), differences))
    return [charge for charge in found if charge.lines]


def month_charge(contract: Contract, month: str, basis: Counted) -> Charge:
    """What a contract owes for a month; no lines when nothing."""
    price, (first, last) = prices.parse(contract.pricing), month_days(month)
    amount, days = basis.amount_jpy(contract, month), days_in_force(contract, first, last)
    words = f"{contract.listing.title} データ利用料 {first.year}年{first.month}月分(契約 {contract.number}、{prices.words(price)})"
    quantity = quantity_words(price, contract.id, basis, days, last.day)
    line = rules.Line(words, amount, quantity, contract_id=contract.id, ground=f"month/{month}")
    begin, since = max(first, contract.starts_on or first), clock.month_bounds(month)[0]
    end = min(last, last_day(contract) or last)
    begun_at = max(since, contract.activated_at or since)
    return Charge(contract, f"month/{month}", month, [line] if amount else [], begun_at, begin, end)


def quantity_words(price: prices.Pricing, contract_id: str, basis: Counted, days: int, days_in_month: int) -> str:
    """The quantity column of a monthly line: gigabytes, downloads, reported sales, or days in force."""
    usage = basis.usage.get(contract_id)
    if isinstance(price, prices.Metered) and price.unit == "gigabyte":
        gigabytes = Decimal(usage.billable_bytes if usage else 0) / prices.GIGABYTE
        return f"{format(gigabytes.normalize(), 'f')} GB"
    if isinstance(price, prices.Metered):
        return f"{usage.downloads if usage else 0} 回"
    if isinstance(price, prices.RevenueShare) and contract_id in basis.sales_jpy:
        return f"売上 {basis.sales_jpy[contract_id]:,}円"
    return f"{days}日/{days_in_month}日"


def counted(month: str, ids: Sequence[str]) -> Counted:
    """What is counted of a month so far under these contracts."""
    since, until = clock.month_bounds(month)
    usage = {u.contract_id: u for u in usage_by_contract(since=since, until=until, contract_ids=ids)} if ids else {}
    return Counted(usage, sales_reported(month, ids))


def sales_reported(month: str, ids: Sequence[str]) -> dict[str, int]:
    """The newest report of a month's sales, by contract, in yen."""
    query = select(SalesReport.contract_id, SalesReport.sales_jpy).where(
        SalesReport.month == month, SalesReport.contract_id.in_(ids)
    )
    newest = query.distinct(SalesReport.contract_id).order_by(SalesReport.contract_id, SalesReport.id.desc())
    return {row[0]: int(row[1]) for row in session.execute(newest)}


def _charged_already(month: str, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for line in (InvoiceLine, AssessmentLine):
        grounds = or_(line.ground == f"month/{month}", line.ground.startswith(f"late/{month}/"))
        found |= {str(i) for i in session.scalars(select(line.contract_id).where(line.contract_id.in_(ids), grounds))}
    return found


def month_days(month: str) -> tuple[date, date]:
    """The first and the last day of a month `YYYY-MM`."""
    since, until = clock.month_bounds(month)
    return since.date(), until.date() - timedelta(days=1)


def last_day(contract: Contract) -> date | None:
    """The last day on which a contract was in force, if that is known: its term's end, or the day it was ended."""
    days = [contract.ends_on, clock.day_of(contract.ended_at) if contract.ended_at else None]
    return min((day for day in days if day), default=None)


def days_in_force(contract: Contract, first: date, last: date) -> int:
    """Days from first to last on which a contract was in force."""
    begun = contract.starts_on or clock.day_of(contract.activated_at or contract.requested_at)
    return rules.days_active(first=begun, last=last_day(contract), month_first=first, month_last=last)


# ---- what became known late


def closed_before(month: str) -> list[str]:
    """The closed months before a month whose late usage it takes, in order."""
    months: list[str] = []
    while len(months) < LATE_MONTHS:
        since, _ = clock.month_bounds(months[-1] if months else month)
        months.append(clock.month_of(since - timedelta(days=1)))
    closed = session.scalars(select(Period.month).where(Period.month.in_(months), Period.state == "closed"))
    return sorted(closed)


def _late(month: str, ids: Sequence[str]) -> dict[str, tuple[Counted, set[str]]]:
    """By closed month: what is counted of it now, and the contracts for which that changed since it was closed."""
    found = {}
    for earlier in closed_before(month):  # three at most
        since = session.get_one(Period, earlier).requested_at
        usage = {u.contract_id: u for u in late_usage(earlier, since=since)}
        query = select(SalesReport.contract_id).where(SalesReport.month == earlier, SalesReport.reported_at > since)
        changed = set(usage) | {str(i) for i in session.scalars(query.where(SalesReport.contract_id.in_(ids)))}
        if changed:
            found[earlier] = (Counted(usage, sales_reported(earlier, ids)), changed)
    return found


def _billed(months: Sequence[str], ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """What was charged so far for each contract and month, in yen without tax, as it was corrected since."""
    found: dict[tuple[str, str], int] = {}
    for line, paper, paper_id, stands in (
        (InvoiceLine, Invoice, InvoiceLine.invoice_id, Invoice.state != "replaced"),
        (AssessmentLine, Assessment, AssessmentLine.assessment_id, true()),
    ):
        month = func.coalesce(line.month, paper.period)
        query = select(line.contract_id, month, func.sum(line.amount_jpy)).join(paper, paper.id == paper_id)
        query = query.where(stands, line.contract_id.in_(ids), line.ground != ACTIVATION, month.in_(months))
        for contract_id, charged, amount in session.execute(query.group_by(line.contract_id, month)):
            key = (str(contract_id), str(charged))
            found[key] = found.get(key, 0) + int(amount)
    return found


def _differences(
    contract: Contract, late: Mapping[str, tuple[Counted, set[str]]], billed: Mapping[tuple[str, str], int]
) -> dict[str, int]:
    """By closed month: what it costs as known now, less what was charged for it."""
    return {
        month: basis.amount_jpy(contract, month) - billed.get((contract.id, month), 0)
        for month, (basis, changed) in late.items()
        if contract.id in changed
    }


def _with_late(charge: Charge, differences: Mapping[str, int]) -> Charge:
    """A month's charge with the differences of earlier months. What would leave nothing to pay waits for the next."""
    lines, months = list(charge.lines), []
    for month, amount in sorted(differences.items(), key=lambda each: (-each[1], each[0])):
        if amount and sum(line.amount_jpy for line in lines) + amount > 0:
            lines.append(_late_line(charge, month, amount))
            months.append(month)
    if charge.lines or not months:
        return replace(charge, lines=lines)
    first, last = month_days(min(months))
    end = min(last, last_day(charge.contract) or last)
    begun_at = max(clock.month_bounds(min(months))[0], charge.contract.activated_at or charge.begun_at)
    return replace(charge, lines=lines, begun_at=begun_at, supplied_from=first, supplied_until=end)


def _late_line(charge: Charge, month: str, amount_jpy: int) -> rules.Line:
    contract, (year, number) = charge.contract, month.split("-")
    what = f"{contract.listing.title} データ利用料 {year}年{int(number)}月分の調整"
    why = f"(契約 {contract.number}、締めた後に確定した利用)"
    ground = f"late/{charge.period}/{month}"
    return rules.Line(what + why, amount_jpy, "差額", month=month, contract_id=contract.id, ground=ground)

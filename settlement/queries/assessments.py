"""Assessment sheets as the municipality, its payer and the exchange's accountants may see them, and what is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import selectinload

from contracts import queries as contracts
from contracts.models import Contract
from exchange import clock
from exchange.database import Page, page, session
from exchange.errors import NotFound, text
from exchange.identity.models import Member
from settlement import charges, rules
from settlement.models import Assessment, RegistrationNotice, SalesReport

EXPORT_MAX = 5_000


def _visible_to(member: Member) -> Select[Assessment]:
    query = select(Assessment).options(selectinload(Assessment.lines))
    if rules.keeps_books(member):
        return query
    mine = member.organization_id
    return query.where(or_(Assessment.provider_id == mine, Assessment.buyer_id == mine))


def assessments_seen_by(
    member: Member,
    *,
    state: str | None = None,
    period: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Page[Assessment]:
    """A page of a municipality's sheets, or of those that name the member's organization as payer; newest first."""
    query = _visible_to(member)
    if state:
        query = query.where(Assessment.state == state)
    if period:
        query = query.where(Assessment.period == period)
    return page(query, Assessment.id, limit=limit, cursor=cursor)


def assessments_to_export(member: Member, *, period: str | None = None) -> Sequence[Assessment]:
    """A municipality's own sheets for its accounting system, oldest first, at most 5,000."""
    query = _visible_to(member).where(Assessment.state != "withdrawn")
    if not rules.keeps_books(member):
        query = query.where(Assessment.provider_id == member.organization_id)
    if period:
        query = query.where(Assessment.period == period)
    return session.scalars(query.order_by(Assessment.id).limit(EXPORT_MAX)).all()


def assessment_seen_by(member: Member, assessment_id: str) -> Assessment:
    """A sheet with its lines, as it stands now; raises `NotFound` for strangers."""
    query = _visible_to(member).where(Assessment.id == assessment_id)
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(text("調定用明細が見つかりません。"))
    return found


def is_public_money(charge_id: str) -> bool:
    """Whether an id is that of a municipality's sheet, whose money is not ours."""
    return session.scalar(select(Assessment.id).where(Assessment.id == charge_id)) is not None


def sheets_waiting(provider_id: str) -> int:
    """How many sheets of a municipality wait for its notice."""
    query = select(func.count()).where(Assessment.provider_id == provider_id, Assessment.state == "prepared")
    return session.scalar(query) or 0


def registration_notice(organization_id: str) -> RegistrationNotice | None:
    """What a seller told of its registration and did not take back."""
    query = select(RegistrationNotice).where(
        RegistrationNotice.organization_id == organization_id, RegistrationNotice.withdrawn_at.is_(None)
    )
    return session.scalars(query).one_or_none()


def registration_notices(organization_id: str) -> list[RegistrationNotice]:
    """All that a seller ever told of its registration, the oldest first."""
    query = select(RegistrationNotice).where(RegistrationNotice.organization_id == organization_id)
    return list(session.scalars(query.order_by(RegistrationNotice.id)))


def sales_reports(member: Member, contract_id: str, *, limit: int = 50) -> list[SalesReport]:
    """What a buyer reported under a contract that a member may see, the newest first."""
    contract = contracts.contract_seen_by(member, contract_id)
    query = select(SalesReport).where(SalesReport.contract_id == contract.id)
    return list(session.scalars(query.order_by(SalesReport.id.desc()).limit(limit)))


@dataclass(frozen=True)
class Reported:
    """A report of a month's sales, whether it is the one that counts, and what the month costs by it, without tax."""

    report: SalesReport
    is_newest: bool
    charge_jpy: int


def sales_charged(contract: Contract, reports: Sequence[SalesReport]) -> list[Reported]:
    """What each report, newest first, makes of its month's charge; `contract` is one the asker may see."""
    seen: set[str] = set()
    found = []
    for report in reports:
        basis = charges.Counted(sales_jpy={contract.id: report.sales_jpy})
        found.append(Reported(report, report.month not in seen, basis.amount_jpy(contract, report.month)))
        seen.add(report.month)
    return found


def months_to_report(contract: Contract, *, at: datetime) -> list[str]:
    """The months of a contract whose sales can be reported, the newest first: the running one and those just before."""
    since, found = clock.month_bounds(clock.month_of(at))[0], [clock.month_of(at)]
    for _ in range(charges.LATE_MONTHS):
        since = (since - timedelta(days=1)).replace(day=1)
        found.append(f"{since:%Y-%m}")
    return [
        month
        for month in found
        if contract.activated_at and charges.days_in_force(contract, *charges.month_days(month))
    ]

"""From charges to assessment sheets (調定用明細): what a municipality needs to bill its own revenue by itself.

The exchange says who owes what, why, for which days; the municipality decides the assessment (調定), sends its own
notice (納入通知書) and is paid directly. Nothing of it is booked. Sources: 地方自治法231条, 243条の2, 施行令154条.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from exchange import audit, clock, jobs, settings
from exchange.database import new_id, session
from exchange.errors import text
from exchange.identity.actions import Word, notify_each
from settlement import fiscal_years, papers, rules
from settlement.charges import Charge
from settlement.models import Assessment, AssessmentLine


def prepare(found: Sequence[Charge], *, at: datetime) -> int:
    """A sheet for each charge of a municipality that has none, and word to the municipality; how many there are."""
    if not found:
        return 0
    numbers = papers.take_numbers([(charge.contract.provider_id, "CHT") for charge in found])
    ids = sorted(new_id() for _ in found)
    rows = [_sheet(charge, at) | {"id": ids[n], "number": numbers[n]} for n, charge in enumerate(found)]
    session.flush()
    session.execute(insert(Assessment), rows)
    session.execute(insert(AssessmentLine), [line for n, charge in enumerate(found) for line in _lines(ids[n], charge)])
    details = [(f"assessment/{row['id']}", row["provider_id"], _detail(row)) for row in rows]
    audit.record_each("assessment.prepare", details, actor=None, at=at)
    jobs.enqueue_each("print-assessment", [{"assessment_id": row["id"]} for row in rows], at=at)
    notify_each([_word(row) for row in rows], roles=papers.MONEY_ROLES, at=at)
    return len(rows)


def _sheet(charge: Charge, at: datetime) -> dict[str, Any]:
    deal, on = charge.contract, clock.day_of(at)
    return {
        "provider_id": deal.provider_id,
        "buyer_id": deal.buyer_id,
        "contract_id": deal.id,
        "ground": charge.ground,
        "period": charge.period,
        "supplied_from": charge.supplied_from,
        "supplied_until": charge.supplied_until,
        "issued_at": at,
        "issued_on": on,
        "due_on": fiscal_years.proposed_due_on(on, settings.current().due_days),
        "revenue_kind": fiscal_years.revenue_kind(deal.pricing["model"]),
        "price_basis": deal.offer.price_basis or "",
        "contract_number": deal.number,
        "purchase_order": deal.purchase_order,
        "provider": papers.facts(deal.provider) | {"municipality_code": deal.provider.municipality_code},
        "buyer": papers.facts(deal.buyer) | {"corporate_number": deal.buyer.corporate_number},
        "state": "prepared",
        **papers.amounts(rules.totals_by_rate(charge.lines)),
    }


def _lines(assessment_id: str, charge: Charge) -> list[dict[str, Any]]:
    fields = ("description", "quantity", "amount_jpy", "rate_percent", "month", "contract_id", "ground")
    return [
        {"assessment_id": assessment_id, "position": n} | {name: getattr(line, name) for name in fields}
        for n, line in enumerate(charge.lines, 1)
    ]


def _detail(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("number", "total_jpy", "ground")} | {"contract": row["contract_id"]}


def _word(row: dict[str, Any]) -> Word:
    body = text(
        "%(buyer)s への請求のための明細 %(number)s(%(total)s円)ができました。調定のうえ、納入通知書を送ってください。",
        buyer=row["buyer"]["name"],
        number=row["number"],
        total=f"{row['total_jpy']:,}",
    )
    return Word(row["provider_id"], text("調定用明細ができました"), body, f"/desk/assessments/{row['id']}")


def fees(month: str) -> dict[str, int]:
    """The exchange's fee, tax included, on each municipality's sheets of a month that were not withdrawn."""
    percent = settings.current().fee_percent.get("municipality", 0)
    if not percent:
        return {}
    query = select(Assessment.provider_id, func.sum(Assessment.taxable_jpy))
    query = query.where(Assessment.period == month, Assessment.state != "withdrawn").group_by(Assessment.provider_id)
    return {str(row[0]): rules.fee_jpy(int(row[1]), percent) for row in session.execute(query)}

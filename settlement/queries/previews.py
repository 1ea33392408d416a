"""What the running month will be invoiced as, if nothing more happens: the same computation as the invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from exchange import clock, settings
from exchange.identity.models import Member
from settlement import charges, invoicing, papers, rules
from settlement.charges import Charge


@dataclass(frozen=True)
class Preview:
    """One paper to come: between whom, its lines, its totals by rate, and what the provider will have of it."""

    provider_id: str
    provider: str
    buyer_id: str
    buyer: str
    title: str
    is_public: bool  # a municipality's own bill
    lines: Sequence[rules.Line]
    supplied_from: date
    supplied_until: date
    taxable_jpy: int
    tax_jpy: int
    total_jpy: int
    fee_jpy: int


def previews(member: Member, *, at: datetime) -> list[Preview]:
    """The papers of the running month between a member's organization and others, on either side of them."""
    month = clock.month_of(at)
    found = charges.month_charges(month, charges.contracts_of(member.organization_id, month))
    public = [charge for charge in found if charge.contract.provider.kind == "municipality"]
    private = [charge for charge in found if charge.contract.provider.kind != "municipality"]
    percent = settings.current().fee_percent
    sheets = [_preview([charge], "納入通知書", True, percent) for charge in public]
    return [_preview(p.charges, p.issuing.title, False, percent) for p in invoicing.sorted_out(private)] + sheets


def _preview(found: Sequence[Charge], title: str, is_public: bool, percent: dict[str, int]) -> Preview:
    deal, lines = found[0].contract, [line for charge in found for line in charge.lines]
    money = papers.amounts(rules.totals_by_rate(lines))
    return Preview(
        deal.provider_id,
        deal.provider.name,
        deal.buyer_id,
        deal.buyer.name,
        title,
        is_public,
        lines,
        min(charge.supplied_from for charge in found),
        max(charge.supplied_until for charge in found),
        money["taxable_jpy"],
        money["tax_jpy"],
        money["total_jpy"],
        rules.fee_jpy(money["taxable_jpy"], percent.get(deal.provider.kind, 0)),
    )

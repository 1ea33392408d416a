"""What every paper has: parties as they stand today, amounts by rate, numbers without gaps."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from exchange.database import session
from exchange.errors import N_, Conflict, text
from exchange.identity.models import Organization
from settlement import rules
from settlement.models import InvoiceCounter
from settlement.models.invoices import REFERENCE_NUMBERS

MONEY_ROLES = ("owner", "accountant")


class PublicMoney(Conflict):
    """Money of a municipality does not pass through the exchange (地方自治法243条の2)."""

    title_ja = N_("公金は取り扱えません")


def refuse_public_money(state: str) -> PublicMoney:
    """Why nothing in our books can be done about a municipality's charge."""
    words = text(
        "自治体の対価は公金であり、取引市場を通しません。自治体が納入通知書により直接請求し、受け取り、還付します。"
    )
    return PublicMoney(words, state=state, allowed=[])


def facts(organization: Organization) -> dict[str, Any]:
    """An organization as it stands on a paper of today."""
    return {"id": organization.id, "name": organization.name, "address": organization.address}


def amounts(totals: Sequence[rules.RateTotal]) -> dict[str, Any]:
    """What is taxed, the tax and the total, from the totals of each rate."""
    taxable, tax = sum(t.taxable_jpy for t in totals), sum(t.tax_jpy for t in totals)
    rows = [asdict(total) for total in totals]
    return {"totals_by_rate": rows, "taxable_jpy": taxable, "tax_jpy": tax, "total_jpy": taxable + tax}


def next_number(issuer_id: str, series: str) -> str:
    """The issuer's next number of a series, without gaps: given only if the transaction that takes it commits."""
    return take_numbers([(issuer_id, series)])[0]


def take_numbers(wanted: Sequence[tuple[str, str]]) -> list[str]:
    """The next number of an issuer's series for each wanted, in one statement."""
    counts = Counter(wanted)
    rows = [{"issuer_id": issuer, "series": series, "last": n} for (issuer, series), n in sorted(counts.items())]
    given = insert(InvoiceCounter).values(rows)
    given = given.on_conflict_do_update(
        index_elements=["issuer_id", "series"], set_={"last": InvoiceCounter.last + given.excluded.last}
    )
    returned = session.execute(given.returning(InvoiceCounter.issuer_id, InvoiceCounter.series, InvoiceCounter.last))
    following = {(row[0], row[1]): row[2] - counts[row[0], row[1]] for row in returned}
    numbers = []
    for key in wanted:
        following[key] += 1
        numbers.append(f"{key[1]}-{following[key]:06d}")
    return numbers


def references(count: int) -> list[str]:
    numbers = session.scalars(select(REFERENCE_NUMBERS.next_value()).select_from(func.generate_series(1, count)))
    return [rules.payment_reference(number) for number in numbers]

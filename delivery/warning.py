"""Warnings before delivery stops: at 80 and 100 % of the buyer's own limits and of the contract's quota, and at a refusal.

    use counted ──> note_use ──┐
    link refused ──> note_refusal ──> tell: a letter to the buyer, once per limit, month and percentage

A note is a row whose key is the limit itself, so that however often it is found it is told once. A limit that the buyer
changes within a month is another limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.models import Contract
from delivery import queries, rules
from delivery.models import LimitWarning
from exchange import clock
from exchange.database import own_transaction, session
from exchange.errors import N_, Words, text
from exchange.identity.actions import notify

ROLES = ("owner", "data_officer")
TOLD_AT_ONCE = 500


def warn(*, at: datetime) -> None:
    """Note what this month's use has reached, and tell what was noted. Safe to run twice."""
    note_use(at=at)
    tell(at=at)


def note_use(*, at: datetime) -> None:
    """Note every limit of which 80 or 100 % is used up this month."""
    month = clock.month_of(at)
    contracts = queries.limited_contracts(month)
    totals = queries.month_of_contracts(contracts, month)
    rows = [row | {"noted_at": at} for each in contracts for row in _reached(each, month, totals[each.id])]
    if rows:
        session.execute(insert(LimitWarning).values(rows).on_conflict_do_nothing())


def _reached(contract: Contract, month: str, totals: queries.Totals) -> Iterable[dict[str, Any]]:
    used = {"bytes": totals.billable_bytes, "downloads": totals.downloads, "amount_jpy": totals.amount_jpy}
    for kind, limits in queries.limits_in_force(contract.id, contract.pricing).items():
        for name in rules.LIMITS:
            reached = rules.percent_reached(getattr(limits, name), used[name])
            for percent in rules.WARNED_PERCENT:
                if reached is not None and percent <= reached:
                    yield _row(contract.id, month, kind, name, limits, percent) | {"used": used[name], "refused": False}


def note_refusal(
    contract_id: str, month: str, kind: str, name: str, *, limits: rules.Limits, held: rules.Figures, at: datetime
) -> None:
    """Note that a limit refused a link: for the buyer it is reached. Survives the refusal."""
    row = _row(contract_id, month, kind, name, limits, max(rules.WARNED_PERCENT))
    row |= {"used": getattr(held, name), "refused": True, "noted_at": at}
    with own_transaction() as beside:
        beside.execute(insert(LimitWarning).values(row).on_conflict_do_nothing())


def _row(contract_id: str, month: str, kind: str, name: str, limits: rules.Limits, percent: int) -> dict[str, Any]:
    key = {"contract_id": contract_id, "month": month, "kind": kind, "limited": name, "percent": percent}
    return key | {"value": getattr(limits, name)}


def tell(*, at: datetime) -> None:
    """Write to the buyer's owners and data officers of what was noted; of a limit reached in one go, one letter."""
    query = select(LimitWarning, Contract).join(Contract, Contract.id == LimitWarning.contract_id)
    query = query.where(LimitWarning.told_at.is_(None)).with_for_update(of=LimitWarning, skip_locked=True)
    rows = session.execute(query.order_by(LimitWarning.contract_id).limit(TOLD_AT_ONCE)).all()
    found = sorted((row.tuple() for row in rows), key=lambda row: (*_limit(row[0]), row[0].percent))
    for _, of_limit in groupby(found, key=lambda row: _limit(row[0])):
        *lower, (highest, contract) = of_limit
        _tell(highest, contract, at)
        for noted, _ in (*lower, (highest, contract)):
            noted.told_at = at


def _limit(noted: LimitWarning) -> tuple[str, str, str, str, int]:
    return noted.contract_id, noted.month, noted.kind, noted.limited, noted.value


_TITLES = {
    ("own", 80): N_("月の上限の80%%に近づいています（%(number)s）"),
    ("own", 100): N_("月の上限に達し、引渡しが止まります（%(number)s）"),
    ("quota", 80): N_("契約で定めた月の引渡量の80%%に近づいています（%(number)s）"),
    ("quota", 100): N_("契約で定めた月の引渡量に達し、引渡しが止まります（%(number)s）"),
}
_WHAT_TO_DO = {
    "own": N_(
        "上限は、契約の利用状況のページで変えられます。上限を変えないかぎり、超える分の受け取りは翌月まで断られます。"
    ),
    "quota": N_(
        "契約で定めた量を超える分の受け取りは、翌月まで断られます。量を増やすには、提供者と契約を見直してください。"
    ),
}


def _tell(noted: LimitWarning, contract: Contract, at: datetime) -> None:
    notify(
        organization_id=contract.buyer_id,
        roles=ROLES,
        title=text(_TITLES[noted.kind, noted.percent], number=contract.number),
        body=_body(noted, contract),
        path=f"/desk/contracts/{contract.id}/usage?month={noted.month}",
        at=at,
    )


def _body(noted: LimitWarning, contract: Contract) -> Words:
    refused = text("上限を超える受け取りがあり、断りました。") if noted.refused else ""
    return text(
        "契約 %(number)s の %(month)s の%(what)sは %(used)s で、上限は %(limit)s です。%(refused)s\n%(then)s",
        number=contract.number,
        month=noted.month,
        what=text(rules.LIMIT_TITLES[noted.limited]),
        used=f"{noted.used:,}",
        limit=f"{noted.value:,}",
        refused=refused,
        then=text(_WHAT_TO_DO[noted.kind]),
    )


def of_month(contract_id: str, month: str, in_force: Mapping[str, rules.Limits]) -> list[LimitWarning]:
    """The highest warning of a month for each limit that still stands, for the pages of the parties."""
    query = select(LimitWarning).where(LimitWarning.contract_id == contract_id, LimitWarning.month == month)
    rows = session.scalars(query.order_by(LimitWarning.percent))
    standing = [noted for noted in rows if noted.value == getattr(in_force[noted.kind], noted.limited)]
    return list({(noted.kind, noted.limited): noted for noted in standing}.values())

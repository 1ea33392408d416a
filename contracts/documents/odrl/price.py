"""The price as duties to pay: a duty for each rate, one for a month's bounds, shares of what third parties pay."""

from __future__ import annotations

from typing import Any

from contracts import pricing
from contracts.documents.odrl.parties import Contract, Grant
from contracts.documents.odrl.words import GIGABYTE, YEN, Node, beforehand, constraint, every, if_any, typed
from contracts.pricing import Free, Metered, OneOff, RevenueShare, Subscription


def payments(contract: Contract) -> list[Node]:
    """The duties to pay. Each is one rate; a month's minimum and cap are one more, on the month as a whole.

    That minimum and cap go before the rates, that fractions of a yen are dropped, and how repeated reads count, ODRL
    cannot say; the description does.
    """
    price = pricing.parse(contract.said["pricing"])
    if pricing.is_free(price):
        return []
    grant = Grant(contract, "buyer", contract.data, contract.purpose)
    match price:
        case OneOff(price_jpy=amount, payment=payment):
            return [_pays(grant, [_yen("eq", amount)], [beforehand()] if payment == "prepaid" else [])]
        case Subscription(price_jpy=amount, interval=interval):
            return [_pays(grant, [_yen("eq", amount)], [every("P1Y" if interval == "year" else "P1M")])]
        case Metered():
            return [*_tiers(grant, price), *_bounds(grant, price.minimum_jpy, price.cap_jpy)]
        case RevenueShare(share_percent=percent, minimum_jpy=minimum):
            sales = contract.asset("reported-sales", "利用者が報告する売上額")
            share = _pays(grant, [_percent(percent)], [every("P1M")]) | {"target": sales}
            return [share, *_bounds(grant, minimum, None)]
        case Free():
            return []


def _tiers(grant: Grant, price: Metered) -> list[Node]:
    """So much per unit, for the units of a month from the one count to the other."""
    unit = GIGABYTE if price.unit == "gigabyte" else {"@id": grant.contract.term("download")}
    duties, above = [], price.included_units
    for tier in price.tiers:
        refinement = [_yen("eq", tier.unit_price_jpy), constraint("unitOfCount", "eq", unit)]
        if above:
            refinement.append(constraint("count", "gt", typed(above, "integer")))
        if tier.up_to is not None:
            above = price.included_units + tier.up_to
            refinement.append(constraint("count", "lteq", typed(above, "integer")))
        duties.append(_pays(grant, refinement, [every("P1M")]))
    return duties


def _bounds(grant: Grant, minimum: int, cap: int | None) -> list[Node]:
    least = [_yen("gteq", minimum)] if minimum else []
    most = [_yen("lteq", cap)] if cap is not None else []
    return [_pays(grant, [*least, *most], [every("P1M")])] if least or most else []


def share_of_profit(grant: Grant) -> list[Node]:
    """The other side's share of what third parties pay."""
    values = grant.values
    shares = {"derived_profit": "derived_profit_percent", "profit_sharing": "profit_percent"}
    sales = grant.contract.asset(f"sales-by-{grant.to}", "第三者への提供により得た対価")
    found = [values[share] for choice, share in shares.items() if values.get(choice) == "percent"]
    return [_pays(grant, [_percent(share)], []) | {"target": sales} for share in found]


def _pays(grant: Grant, refinement: list[Node], constraint: list[Node]) -> Node:
    """Compensation, narrowed down to what is paid: `rdf:value` names the action (2.5.4 of the model)."""
    return {
        "action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": refinement}],
        **if_any("constraint", constraint),
        "compensatingParty": grant.contract.party(grant.to),
        "compensatedParty": grant.contract.party(grant.by),
    }


def _yen(operator: str, amount: Any) -> Node:
    return constraint("payAmount", operator, typed(amount, "decimal")) | {"unit": YEN}


def _percent(share: Any) -> Node:
    return constraint("percentage", "eq", typed(share, "decimal"))

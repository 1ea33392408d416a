"""Co-creation: who may do what with data that both create."""

from __future__ import annotations

from itertools import count

from contracts.documents.odrl.clauses import (
    derived_supply,
    for_purpose,
    for_whom,
    in_country,
    in_term,
    of_release,
    reports,
    storage,
)
from contracts.documents.odrl.parties import SIDES, Contract, Grant, Side, consent, within_days
from contracts.documents.odrl.price import payments, share_of_profit
from contracts.documents.odrl.words import Kind, Node, Rules, beforehand, constraint, if_any

ACTS = {"use": "use", "process": "derive", "supply": "distribute", "transfer": "transfer"}


def creation(contract: Contract) -> Rules:
    """Who may do what with data that both create: one rule for each cell of the table whose category has a name.

    The buyer obtains the data that are listed against the price, during the term.
    """
    bought = Grant(contract, "buyer", contract.data, contract.purpose)
    limits = [for_purpose(bought), *in_term(contract), *of_release(bought)]
    yield "permission", bought.rule("read", limits) | if_any("duty", payments(contract))
    for side in SIDES:
        yield from _table(contract, side)
        grant = Grant(contract, side, contract.asset("subject-data", "対象データ"), contract.purpose)
        yield from _unlisted(grant)
        yield from storage(grant)
        yield from _of_maker(grant)
        yield from derived_supply(grant)
        yield from _dropped(grant)
        if side == "buyer":
            yield from reports(grant)


def _table(contract: Contract, side: Side) -> Rules:
    values = contract.values
    for n in count(1):
        name = values.get(f"category_{n}")
        if name is None:
            return
        if name:
            grant = Grant(contract, side, contract.asset(f"category-{n}", name), contract.purpose)
            for act in ACTS:
                yield _cell(grant, act, values[f"category_{n}_{side}_{act}"])


def _cell(grant: Grant, act: str, answer: str) -> tuple[Kind, Node]:
    """Allowed, with consent, or not.

    Use that is not allowed is forbidden for the party's own benefit alone: ODRL counts supply as use, the table does
    not. It counts processing as use, too, and there the table can allow what ODRL then forbids.
    """
    own_use = [*_serving(grant), *in_country(grant.contract)] if act in ("use", "process") else []
    if answer == "prohibited":
        return "prohibition", grant.rule(ACTS[act], for_whom(grant) if act == "use" else ())
    duties = [*_asked(grant, act, answer), *(share_of_profit(grant) if act == "supply" else [])]
    return "permission", grant.rule(ACTS[act], own_use) | if_any("duty", duties)


def _serving(grant: Grant) -> list[Node]:
    """What use is for, and whom it may serve."""
    if grant.values.get("use_scope") == "own_business":
        return [constraint("purpose", "isAnyOf", [grant.purpose, "自己の事業"]), *for_whom(grant)]
    return [for_purpose(grant), *for_whom(grant)]


def _asked(grant: Grant, act: str, answer: str) -> list[Node]:
    """Consent, or the notice that some supply needs in its stead."""
    rule = grant.values.get("supply_consent") if act == "supply" else None
    if answer == "consent" or rule == "each_time":
        return [consent(grant)]
    if rule == "notice":
        parties = {"informingParty": grant.contract.party(grant.to), "informedParty": grant.contract.party(grant.by)}
        return [{"action": "inform", "constraint": [beforehand()], **parties}]
    return []


def _unlisted(grant: Grant) -> Rules:
    """Data of a category that the table does not name."""
    unlisted = grant.contract.asset("unlisted-data", "表に区分のない対象データ")
    match grant.values.get("unlisted_data"):
        case "negotiate":
            yield "permission", grant.rule("use", [for_purpose(grant)], on=unlisted)
        case "both":
            yield "permission", grant.rule("use", on=unlisted)
        case side if side == grant.to:
            yield "permission", grant.rule("use", on=unlisted)


def _of_maker(grant: Grant) -> Rules:
    """Derived data belong to their maker or to both; where they follow their source, the table says it."""
    match grant.values.get("derived_data"):
        case "maker":
            own = grant.contract.asset(f"derived-data-of-{grant.to}", "自ら生じさせた派生データ")
            yield "permission", grant.rule("use", on=own)
        case "shared":
            yield "permission", grant.rule("use", on=grant.made("derived-data", "派生データ"))


def _dropped(grant: Grant) -> Rules:
    """When data received from the other side are deleted."""
    values, contract = grant.values, grant.contract
    received = contract.asset(f"data-received-by-{grant.to}", "相手方から提供を受けた対象データ")
    match values.get("after_end"):
        case "stop":
            yield "obligation", grant.rule("delete", [within_days(contract, "end", values["delete_days"])], on=received)
        case "limited":
            later = within_days(contract, "end", values["delete_days"], delay=f"P{values['after_end_months']}M")
            yield "obligation", grant.rule("delete", [later], on=received)

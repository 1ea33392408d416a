"""Licences: the provider keeps its data and lets the buyer use them; or both let each other."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.documents.odrl.clauses import (
    USERS,
    derived_supply,
    for_purpose,
    for_whom,
    in_country,
    in_term,
    of_release,
    reports,
    storage,
)
from contracts.documents.odrl.parties import SIDES, Contract, Grant, consent, rule_between, within_days
from contracts.documents.odrl.price import payments
from contracts.documents.odrl.words import Node, Rules, if_any, recipient


def licence(contract: Contract) -> Rules:
    """The provider keeps its data and lets the buyer use them; the short form does the same with fewer variables."""
    yield from _granted(Grant(contract, "buyer", contract.data, contract.purpose), payments(contract))
    yield from _exclusive(contract)


def joint(contract: Contract) -> Rules:
    """Both provide data and let each other use them; the buyer alone pays, for those of the provider."""
    values = contract.values
    theirs = contract.asset("data-b", values.get("buyer_data_name") or "乙データ")
    if values.get("buyer_data_description"):
        theirs["dct:description"] = values["buyer_data_description"]
    back = Grant(contract, "provider", theirs, values.get("buyer_data_purpose") or contract.purpose, "-b")
    yield from _granted(Grant(contract, "buyer", contract.data, contract.purpose), payments(contract))
    yield from _granted(back)
    yield from _combined(contract)


def _granted(grant: Grant, payments: Sequence[Node] = ()) -> Rules:
    """Use for the purpose, and what goes with it."""
    limits = [
        for_purpose(grant),
        *for_whom(grant),
        *in_country(grant.contract),
        *in_term(grant.contract),
        *of_release(grant),
    ]
    yield "permission", grant.rule("use", limits) | if_any("duty", payments)
    yield "prohibition", grant.rule("transfer")  # the licence moves no right in the data
    yield from _others(grant)
    yield from storage(grant, [for_purpose(grant), *in_term(grant.contract)])
    yield from _published(grant)
    yield from _derived(grant)
    yield from derived_supply(grant)
    yield from reports(grant)
    if "delete_days" in grant.values:
        yield "obligation", grant.rule("delete", [within_days(grant.contract, "end", grant.values["delete_days"])])


def _others(grant: Grant) -> Rules:
    """Everybody else may use the data with consent."""
    if grant.values.get("sublicense") in USERS:
        limits = [for_purpose(grant), *in_country(grant.contract), *in_term(grant.contract)]
        yield "permission", grant.rule("grantUse", limits) | {"duty": [consent(grant)]}


def _published(grant: Grant) -> Rules:
    """Whether results may go to everyone."""
    results = grant.made("results", "提供データから得た統計その他の結果")
    match grant.values.get("publication"):
        case "results":
            safe = grant.made("results-not-restorable", "提供データを復元できず、個人を識別できない統計その他の結果")
            credit = {
                "action": "attribute",
                "attributedParty": grant.contract.party(grant.by),
                "attributingParty": grant.contract.party(grant.to),
            }
            yield "permission", grant.rule("distribute", on=safe) | {"duty": [credit]}
        case "prior_consent":
            yield "permission", grant.rule("distribute", on=results) | {"duty": [consent(grant)]}
        case "prohibited":
            yield "prohibition", grant.rule("distribute", on=results)


def _derived(grant: Grant) -> Rules:
    """Who may use what was made from the data: without limit, the purpose included."""
    derived = grant.made("derived-data", "派生データ")
    match grant.values.get("derived_data"):
        case "recipient":
            yield "permission", grant.rule("use", on=derived)
        case "shared" | "provider_licence":
            yield "permission", grant.rule("use", on=derived)
            yield "permission", rule_between(grant.contract, grant.by, "use", derived)


def _exclusive(contract: Contract) -> Rules:
    """During the term the provider licenses nobody else; where exclusive, it keeps from using the data itself too."""
    exclusivity = contract.values.get("exclusivity")
    if exclusivity in ("sole", "exclusive"):
        limits = [recipient("isNoneOf", contract.party("buyer")), *in_term(contract)]
        yield "prohibition", rule_between(contract, "provider", "grantUse", contract.data, limits)
    if exclusivity == "exclusive":
        yield "obligation", rule_between(contract, "provider", "ensureExclusivity", contract.data, in_term(contract))


def _combined(contract: Contract) -> Rules:
    """What comes of the data of both together."""
    values = contract.values
    for side in SIDES:
        grant = Grant(contract, side, contract.asset("combined-data", "統合データ"), contract.purpose)
        match values.get("combined_data"):
            case "joint":
                yield "permission", grant.rule("use")
                yield "permission", grant.rule("distribute") | {"duty": [consent(grant)]}
            case "maker":
                own = contract.asset(f"combined-data-of-{side}", "自ら生じさせた統合データ")
                yield "permission", grant.rule("use", on=own)
        restorable = contract.asset("combined-data-restorable", "元のデータを復元できる統合データ")
        lost = {"not_restorable": restorable, "delete": grant.data}.get(values.get("combined_after_end", ""))
        if lost:
            yield "obligation", grant.rule("delete", [within_days(contract, "end", values["delete_days"])], on=lost)

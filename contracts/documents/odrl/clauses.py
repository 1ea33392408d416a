"""Clauses that several forms of contract share: the limits of use, storage, supply of derived data, reports."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.documents.odrl.parties import Contract, Grant, consent
from contracts.documents.odrl.price import share_of_profit
from contracts.documents.odrl.words import JAPAN, Node, Rules, constraint, every, if_any, recipient, typed, whole_day


def for_purpose(grant: Grant) -> Node:
    """Use for the one purpose that was granted."""
    return constraint("purpose", "eq", grant.purpose)


USERS = {"none": (), "contractors": ("contractors",), "affiliates": ("contractors", "affiliates")}


def for_whom(grant: Grant) -> list[Node]:
    """Whom use may serve: the party itself, and whom the clause on use by others lets in."""
    more = USERS.get(grant.values.get("sublicense", ""))
    if more is None:
        return []
    contract = grant.contract
    return [recipient("isAnyOf", contract.party(grant.to), *(contract.term(name) for name in more))]


def in_country(contract: Contract) -> list[Node]:
    """Use in Japan alone, where the territory is Japan."""
    return [constraint("spatial", "eq", JAPAN)] if contract.values.get("territory") == "japan" else []


def in_term(contract: Contract) -> list[Node]:
    """The term by its dates, or, before there are any, by its length."""
    values, evidence = contract.values, contract.evidence
    starts_on = evidence.starts_on.isoformat() if evidence.starts_on else values.get("starts_on")
    found = [constraint("dateTime", "gteq", whole_day(starts_on))] if starts_on else []
    if evidence.ends_on:
        found.append(constraint("dateTime", "lteq", whole_day(evidence.ends_on.isoformat())))
    elif values.get("term") == "fixed" and "term_months" in values:
        found.append(constraint("elapsedTime", "lteq", typed(f"P{values['term_months']}M", "duration")))
    return found


def of_release(grant: Grant) -> list[Node]:
    """The one release that the contract covers. What comes from the buyer has no releases here."""
    number = grant.contract.said["data"]["release_number"]
    fixed = grant.to == "buyer" and grant.values.get("updates") == "release_only" and number
    return [constraint("version", "eq", str(number))] if fixed else []


def storage(grant: Grant, limits: Sequence[Node] = ()) -> Rules:
    """In which country the data are stored; where that is any, within the same limits as use."""
    match grant.values.get("storage_country"):
        case "japan":  # not `neq`, for which W3C's context has the misspelt `odrl:neg`
            yield "prohibition", grant.rule("archive", [constraint("spatial", "isNoneOf", [JAPAN])])
        case "worldwide":
            yield "permission", grant.rule("archive", limits)


def derived_supply(grant: Grant) -> Rules:
    """Whether third parties may have derived data. To make them is use, and permitted with it."""
    derived = grant.made("derived-data", "派生データ")
    match grant.values.get("derived_supply"):
        case "not_restorable":
            safe = grant.made("derived-data-not-restorable", "元のデータを復元できない派生データ")
            yield "permission", grant.rule("distribute", on=safe) | if_any("duty", share_of_profit(grant))
        case "prior_consent":
            yield (
                "permission",
                grant.rule("distribute", on=derived) | {"duty": [consent(grant), *share_of_profit(grant)]},
            )
        case "prohibited":
            yield "prohibition", grant.rule("distribute", on=derived)


def reports(grant: Grant) -> Rules:
    """Tell the other side how the data are used."""
    contract = grant.contract
    when = {
        "monthly": every("P1M"),
        "quarterly": every("P3M"),
        "on_request": constraint("event", "gt", contract.event("report-request")),
    }.get(grant.values.get("report_cycle", ""))
    if when:
        parties = {"informingParty": contract.party(grant.to), "informedParty": contract.party(grant.by)}
        yield "obligation", grant.rule("inform", [when]) | parties

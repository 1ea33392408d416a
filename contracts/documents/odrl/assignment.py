"""Assignment: the data pass to the buyer, whose use is bound to no purpose from then on."""

from __future__ import annotations

from contracts.documents.odrl.clauses import in_term, of_release
from contracts.documents.odrl.parties import Contract, Grant, after_event, rule_between, within_days
from contracts.documents.odrl.price import payments
from contracts.documents.odrl.words import Rules, constraint, if_any, recipient


def assignment(contract: Contract) -> Rules:
    """The data pass to the buyer, whose use is bound to no purpose from then on."""
    grant = Grant(contract, "buyer", contract.data, contract.purpose)
    after, elsewhere = after_event(contract, "transfer"), recipient("isNoneOf", contract.party("buyer"))
    ready = {"paid": "handover-and-payment", "handed_over": "handover"}.get(contract.values.get("transfer_time", ""))
    handed = [recipient("eq", contract.party("buyer")), *in_term(contract), *of_release(grant)]
    yield "permission", grant.rule("use", [after, *of_release(grant)]) | if_any("duty", payments(contract))
    yield "permission", grant.rule("transfer", [after, *of_release(grant)])
    yield "permission", grant.rule("use", on=grant.made("derived-data", "派生データ"))
    due = [*handed, after_event(contract, ready)] if ready else handed
    yield "obligation", rule_between(contract, "provider", "transfer", contract.data, due)
    for action in ("transfer", "grantUse"):  # neither twice nor licensed anew
        yield "prohibition", rule_between(contract, "provider", action, contract.data, [elsewhere])
    yield from _given_up(contract)


def _given_up(contract: Contract) -> Rules:
    """What the provider keeps of data that have passed."""
    values, after = contract.values, after_event(contract, "transfer")
    kept = values.get("provider_deletion")
    if kept == "residual_use":
        limits = [constraint("purpose", "eq", values.get("residual_use", "")), after]
        yield "permission", rule_between(contract, "provider", "use", contract.data, limits)
    elif kept in ("deletes", "required_by_law"):
        others = contract.asset("data-no-law-keeps", "法令により保存する義務のない提供データ")
        gone = contract.data if kept == "deletes" else others
        itself = recipient("eq", contract.party("provider"))  # to delete is `use` as well, and is owed
        in_time = within_days(contract, "transfer", values["provider_deletion_days"])
        yield "prohibition", rule_between(contract, "provider", "use", gone, [itself, after])
        yield "obligation", rule_between(contract, "provider", "delete", gone, [in_time])

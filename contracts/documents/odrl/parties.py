"""Who speaks of what: a contract with its addresses, what one side grants the other, and rules between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contracts.documents.content import Content
from contracts.documents.odrl.words import Node, constraint, if_any, typed
from contracts.documents.sheets import Evidence

Side = Literal["provider", "buyer"]
SIDES: tuple[Side, Side] = ("buyer", "provider")
OTHER: dict[Side, Side] = {"provider": "buyer", "buyer": "provider"}


@dataclass(frozen=True)
class Contract:
    """What is said, and the addresses by which the policy speaks of it."""

    said: Content
    evidence: Evidence
    base_url: str
    url: str

    @property
    def template(self) -> str:
        return f"{self.base_url}/contract-templates/{self.said['template']['key']}"

    @property
    def values(self) -> dict[str, Any]:
        return {v["key"]: v["value"] for v in self.said["variables"]}

    @property
    def purpose(self) -> str:
        return str(self.said["purpose"])

    def term(self, name: str) -> str:
        """A term of the exchange's own vocabulary."""
        return f"{self.template}#{name}"

    def party(self, side: Side) -> str:
        return f"{self.base_url}/providers/{self.said[side]['id']}"

    @property
    def data(self) -> Node:
        """The data that the exchange delivers."""
        found = self.said["data"]
        return {"@type": "Asset", "uid": f"{self.base_url}/listings/{found['listing_id']}", "dct:title": found["title"]}

    def asset(self, name: str, title: str) -> Node:
        """Something that this contract alone speaks of."""
        return {"@type": "Asset", "uid": f"{self.url}#{name}", "dct:title": title}

    def event(self, name: str) -> Node:
        """Something that happens under this contract."""
        return {"@id": f"{self.url}#{name}"}


@dataclass(frozen=True)
class Grant:
    """What one side lets the other do with a set of data."""

    contract: Contract
    to: Side
    data: Node
    purpose: str
    suffix: str = ""

    @property
    def by(self) -> Side:
        return OTHER[self.to]

    @property
    def values(self) -> dict[str, Any]:
        return self.contract.values

    def made(self, name: str, title: str) -> Node:
        """Something that is made from the data."""
        return self.contract.asset(name + self.suffix, title)

    def rule(self, action: str, limits: Sequence[Node] = (), *, on: Node | None = None) -> Node:
        return rule_between(self.contract, self.to, action, on or self.data, limits)


def rule_between(contract: Contract, side: Side, action: str, target: Node, limits: Sequence[Node] = ()) -> Node:
    """A rule that binds or entitles one side towards the other."""
    parties = {"assigner": contract.party(OTHER[side]), "assignee": contract.party(side)}
    return {**parties, "target": target, "action": action, **if_any("constraint", limits)}


def consent(grant: Grant) -> Node:
    """That the side which granted is asked, and agrees."""
    parties = {"consentingParty": grant.contract.party(grant.by), "consentedParty": grant.contract.party(grant.to)}
    return {"action": "obtainConsent", **parties}


def after_event(contract: Contract, event: str) -> Node:
    """Only after something that happens under the contract."""
    return constraint("event", "gt", contract.event(event))


def within_days(contract: Contract, event: str, days: int, *, delay: str = "") -> Node:
    """Within so many days after an event, however it came about; after a delay, if there is one.

    `elapsedTime` is the time within which an action is taken, `delayPeriod` the time before it may be. What stands in
    a sequence has an address of its own.
    """
    steps = [
        constraint("event", "gt", contract.event(event)),
        *([constraint("delayPeriod", "eq", typed(delay, "duration"))] if delay else []),
        constraint("elapsedTime", "lteq", typed(f"P{days}D", "duration")),
    ]
    names = [f"after-{event}", *([f"delayed-{delay}"] if delay else []), f"within-P{days}D"]
    known = [{"uid": f"{contract.url}#{name}"} | step for name, step in zip(names, steps, strict=True)]
    return {"andSequence": {"@list": known}}

"""Drawing a link again without reading anew what it stands on.

    first    token read → what the link stands on read → rules → grant written, all of it remembered
    again    remembered → rules → grant written, if no row has changed since ──no──> forgotten, and as if first

A program that downloads asks for hundreds of links by one token under one contract, and little of what they stand on
changes in between. The rules are asked each time, at that time. That the rows they look at (token, member,
organization, contract, limits, file, release) are still the same is proven by the statement that writes the grant, so
that a link drawn again is as safe as the first one and costs one way to the database. No refusal is told from memory.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from delivery import actions, queries, rules
from delivery.actions import Asked, Link
from exchange import clock
from exchange.errors import DomainError
from exchange.identity.queries import Holder

REMEMBERED_MAX = 2_000
REQUEST_LENGTH_MAX = 500


class Standing(NamedTuple):
    """What a link stood on: who holds the token, what was asked, and the contract with the file."""

    by: Holder
    asked: Asked
    found: Any


_remembered: dict[object, Standing] = {}


def draw(
    request: object, contract_id: str, asked: Asked, *, by: rules.Recipient, token_id: str | None, at: datetime
) -> Link:
    """A link as by `actions.issue_link`; what it stood on is remembered for the same `request`."""
    contract, files = queries.entitlement(contract_id, asked.file_ids)
    (link,) = actions.draw(contract, files, asked, token_id=token_id, by=by, at=at)
    limited = contract.limited or rules.has_quota(contract.pricing)
    if isinstance(by, Holder) and not (asked.once or limited or rules.is_strict(contract.variables)):
        if len(_remembered) >= REMEMBERED_MAX:
            _remembered.clear()
        _remembered[request] = Standing(by, asked, contract)
    return link


def holder(request: object) -> Holder | None:
    """Who asked by that request before, if it may be asked again; nothing is proven by this."""
    standing = _remembered.get(request)
    now = clock.real_now()
    if standing is None or not (standing.by.is_good(now) and standing.by.is_noted(now)):
        return None
    return standing.by


def draw_again(request: object, *, at: datetime) -> Link | None:
    """The link of a remembered request, or None where what it stands on is not what it was."""
    standing = _remembered.get(request)
    if standing is None:
        return None
    by, asked, found = standing
    proof = {"standing": found.version, "holding": by.version}
    try:
        links = actions.draw(found, [found], asked, token_id=by.token_id, by=by, at=at, proof=proof)
    except DomainError:
        links = []
    if not links:
        _remembered.pop(request, None)
        return None
    return links[0]

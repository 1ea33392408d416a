"""The only room that moves money: positive whole yen from a source to a destination, for a cause, once.

A transfer credits its source and debits its destination. What the database guarantees is said in `models.ledger`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from exchange.database import new_id, session
from exchange.errors import N_, Conflict, text
from settlement import rules
from settlement.models import Account, Entry, Held, Transfer


class AlreadyBooked(Conflict):
    """This cause stands in the ledger already."""

    title_ja = N_("すでに記帳されています")


@dataclass(frozen=True)
class Place:
    """An account by heading and, where it is kept by partner, organization."""

    heading: str
    organization_id: str | None = None

    @property
    def code(self) -> str:
        return f"{self.heading}/{self.organization_id}" if self.organization_id else self.heading


@dataclass(frozen=True)
class Move:
    """So many yen from one place to another."""

    amount_jpy: int
    source: Place
    destination: Place


BANK, FEES = Place("bank"), Place("fees")
UNAPPLIED, PAYOUT_CLEARING = Place("unapplied"), Place("payout-clearing")
TRANSFER_CHARGES, OTHER_INCOME = Place("transfer-charges"), Place("other-income")
STRIPE, STRIPE_TRANSIT, DISPUTED = Place("stripe"), Place("stripe-transit"), Place("disputed")
PROCESSING, PROCESSING_TAXED, LOSSES = Place("processing"), Place("processing-taxed"), Place("losses")


def deposits(provider_id: str) -> Place:
    """Money received for a provider and not yet paid out (預り金)."""
    return Place("deposits", provider_id)


def frozen(provider_id: str) -> Place:
    """Money held for a provider whose payer objects; not paid out until the card network decides (預り金)."""
    return Place("frozen", provider_id)


def advances(provider_id: str) -> Place:
    """Money given back to buyers for a provider that had been paid out already (立替金)."""
    return Place("advances", provider_id)


def refunds(buyer_id: str) -> Place:
    """Money to be sent back to a buyer (未払金)."""
    return Place("refunds", buyer_id)


def billed(buyer_id: str) -> Place:
    """Memorandum: billed to a buyer and not yet received (管理勘定)."""
    return Place("billed", buyer_id)


def uncollected(provider_id: str) -> Place:
    """Memorandum: the same amounts, by the provider whose claim they are."""
    return Place("uncollected", provider_id)


def post(
    cause: str,
    moves: Sequence[Move],
    *,
    at: datetime,
    booked_on: date,
    reference: str,
    words: str,
    reverses: str | None = None,
) -> Entry:
    """Book one entry of all moves above zero, in their order; raises `AlreadyBooked` when the cause stands already.

    Moves of zero yen are left out. `at` is when it is booked, `booked_on` the day it counts for.
    """
    real = [move for move in moves if move.amount_jpy]
    if is_booked(cause):
        raise AlreadyBooked(text("この取引はすでに記帳されています(%(cause)s)。", cause=cause))
    _open({place for move in real for place in (move.source, move.destination)})
    entry = Entry(
        id=new_id(),
        at=at,
        booked_on=booked_on,
        cause=cause,
        reference=reference,
        words=words,
        transfer_count=len(real),
        reverses_id=reverses,
    )
    session.add(entry)
    session.flush()
    rows = [
        {
            "entry_id": entry.id,
            "line": n,
            "amount_jpy": m.amount_jpy,
            "source": m.source.code,
            "destination": m.destination.code,
        }
        for n, m in enumerate(real, start=1)
    ]
    if rows:
        session.execute(insert(Transfer), rows)
    return entry


@dataclass(frozen=True)
class Booking:
    """An entry to be posted with others."""

    cause: str
    moves: Sequence[Move]
    reference: str
    words: str


def post_each(bookings: Sequence[Booking], *, at: datetime, booked_on: date) -> None:
    """Book many entries at once, each whole or none of all; a cause that stands breaks the database's constraint."""
    moves = {n: [move for move in b.moves if move.amount_jpy] for n, b in enumerate(bookings)}
    _open({place for each in moves.values() for move in each for place in (move.source, move.destination)})
    entries, transfers = [], []
    for n, booking in enumerate(bookings):
        entry = {"id": new_id(), "at": at, "booked_on": booked_on, "cause": booking.cause, "words": booking.words}
        entries.append(entry | {"reference": booking.reference, "transfer_count": len(moves[n])})
        for line, move in enumerate(moves[n], start=1):
            places = {"source": move.source.code, "destination": move.destination.code}
            transfers.append({"entry_id": entry["id"], "line": line, "amount_jpy": move.amount_jpy} | places)
    if transfers:
        session.execute(insert(Entry), entries)
        session.execute(insert(Transfer), transfers)


def is_booked(cause: str) -> bool:
    """Whether a cause stands in the ledger."""
    return session.scalar(select(Entry.id).where(Entry.cause == cause)) is not None


def _open(places: set[Place]) -> None:
    """Open accounts that do not exist yet; in one order, so that two bookings never wait for each other in a ring."""
    known = set(session.scalars(select(Account.code).where(Account.code.in_([p.code for p in places]))))
    rows = []
    for place in sorted(places, key=lambda p: p.code):
        if place.code not in known:
            heading = rules.CHART[place.heading]
            row = {"code": place.code, "heading": place.heading, "organization_id": place.organization_id}
            rows.append(row | {"kind": heading.kind, "side": heading.side, "floored": heading.floored})
    if rows:
        session.execute(insert(Account).values(rows).on_conflict_do_nothing())


def reverse(entry_id: str, *, at: datetime, booked_on: date, words: str) -> Entry:
    """Undo an entry by its mirror image, once; raises `AlreadyBooked` the second time."""
    query = select(Entry).where(Entry.id == entry_id).options(selectinload(Entry.transfers))
    entry = session.scalars(query).one()
    accounts = {
        a.code: Place(a.heading, a.organization_id)
        for a in session.scalars(select(Account).where(Account.code.in_(codes_of(entry))))
    }
    mirror = [Move(t.amount_jpy, accounts[t.destination], accounts[t.source]) for t in reversed(entry.transfers)]
    return post(
        f"reversal/{entry.id}",
        mirror,
        at=at,
        booked_on=booked_on,
        reference=entry.reference,
        words=words,
        reverses=entry.id,
    )


def codes_of(entry: Entry) -> set[str]:
    """The accounts an entry touches."""
    return {code for t in entry.transfers for code in (t.source, t.destination)}


def balance(place: Place, *, until: datetime | None = None) -> int:
    """The balance in yen on the account's own side; as it was booked before a moment, if one is given."""
    debits = _sum(Transfer.destination == place.code, until)
    credits = _sum(Transfer.source == place.code, until)
    return debits - credits if rules.CHART[place.heading].side == "debit" else credits - debits


def _sum(where: object, until: datetime | None) -> int:
    query = select(func.coalesce(func.sum(Transfer.amount_jpy), 0)).where(where)  # type: ignore[arg-type]
    if until is not None:
        query = query.join(Entry, Entry.id == Transfer.entry_id).where(Entry.at < until)
    return int(session.scalar(query) or 0)


def fees_by_provider(*, until: date) -> dict[str, int]:
    """What the exchange took as its fee of each provider's money, less what it gave back, booked before a day."""
    held = Account.heading == "deposits"
    taken = Transfer.source == FEES.code
    signed = case((taken, Transfer.amount_jpy), else_=-Transfer.amount_jpy)
    other = case((taken, Transfer.destination), else_=Transfer.source)
    query = select(Account.organization_id, func.sum(signed)).select_from(Transfer)
    query = query.join(Account, Account.code == other).join(Entry, Entry.id == Transfer.entry_id)
    query = query.where(or_(Transfer.source == FEES.code, Transfer.destination == FEES.code), held)
    rows = session.execute(query.where(Entry.booked_on < until).group_by(Account.organization_id))
    return {str(row[0]): int(row[1]) for row in rows}


def held(place: Place) -> int:
    """The balance of a floored account in one row read; zero where the account was never used."""
    return session.scalar(select(Held.held_jpy).where(Held.account == place.code)) or 0

"""The only room that moves money: positive whole yen from a source to a destination, for a cause, once.

A transfer credits its source and debits its destination. What the database guarantees is said in `models.ledger`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from psycopg.errors import CheckViolation, UniqueViolation
from sqlalchemy import Numeric, Subquery, case, cast, func, or_, select, true, union, union_all, update
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from exchange import clock
from exchange.database import Quick, new_id, session
from exchange.errors import N_, Conflict, NotFound, text
from settlement import rules
from settlement.models import Account, DaySum, Entry, Held, Hold, Transfer, Unsealed


class AlreadyBooked(Conflict):
    """This cause stands in the ledger already."""

    title_ja = N_("すでに記帳されています")


class HoldEnded(Conflict):
    """A hold is posted, voided or expired once."""

    title_ja = N_("保留は終わっています")


class AboveHold(Conflict):
    """More than was put on hold cannot be booked from it."""

    title_ja = N_("保留した額を超えています")


class NotEnough(Conflict):
    """An account that must not go below zero would."""

    title_ja = N_("残高が足りません")


NO_SYNC = {"synchronize_session": False}


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

    def __post_init__(self) -> None:
        if type(self.amount_jpy) is not int:
            raise TypeError(f"an amount is whole yen, not {self.amount_jpy!r}")


@dataclass(frozen=True)
class Booked:
    """An entry as it was booked."""

    id: str
    cause: str


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


def captured(buyer_id: str) -> Place:
    """Memorandum: captured of a buyer's authorized cards; what is authorized and not yet captured is on hold (管理勘定)."""
    return Place("captured", buyer_id)


def captured_for(provider_id: str) -> Place:
    """Memorandum: the same amounts, by the provider for whom they were captured."""
    return Place("captured-for", provider_id)


@lru_cache(maxsize=64)
def _posting(moves: int, accounts: int) -> Quick:
    """One statement for an entry of so many moves between so many accounts; nothing is booked where one is missing."""
    codes = ", ".join(f"%(code{n})s" for n in range(accounts))
    rows = ", ".join(f"({n + 1}, %(amount{n})s::numeric, %(source{n})s, %(destination{n})s)" for n in range(moves))
    return Quick(f"""
WITH known AS (SELECT count(*) AS accounts FROM ledger_account WHERE code IN ({codes})),
entry AS (
  INSERT INTO ledger_entry (id, at, booked_on, cause, reference, words, transfer_count, reverses_id)
  SELECT %(id)s, %(at)s, %(booked_on)s, %(cause)s, %(reference)s, %(words)s, {moves}, %(reverses)s
  FROM known WHERE accounts = {accounts} ON CONFLICT (cause) DO NOTHING RETURNING id),
moved AS (
  INSERT INTO ledger_transfer (entry_id, transfer_count, line, amount_jpy, source, destination)
  SELECT entry.id, {moves}, move.* FROM entry, (VALUES {rows}) AS move RETURNING line)
SELECT accounts, (SELECT count(*) FROM moved) AS moved FROM known""")


def post(
    cause: str,
    moves: Sequence[Move],
    *,
    at: datetime,
    booked_on: date,
    reference: str,
    words: str,
    reverses: str | None = None,
    entry_id: str | None = None,
) -> Booked:
    """Book one entry of all moves above zero, in their order, or nothing at all.

    Raises `AlreadyBooked` when the cause stands already (the transaction can go on), and `NotEnough` when a floored
    account would fall below zero by the entry as a whole. Moves of zero yen are left out. `at` is when it is booked,
    `booked_on` the day it counts for.
    """
    real = [move for move in moves if move.amount_jpy]
    if not real:
        raise ValueError(f"{cause}: an entry moves something")
    places = {place.code: place for move in real for place in (move.source, move.destination)}
    book = _posting(len(real), len(places))
    values: dict[str, Any] = {f"code{n}": code for n, code in enumerate(places)}
    values |= {
        "id": entry_id or new_id(),
        "at": at,
        "booked_on": booked_on,
        "cause": cause,
        "reference": reference,
        "words": words,
    }
    values["reverses"] = reverses
    for n, move in enumerate(real):
        values[f"amount{n}"] = move.amount_jpy
        values[f"source{n}"], values[f"destination{n}"] = move.source.code, move.destination.code
    session.connection()  # an entry belongs to its deed's transaction, also where it is the first statement of it
    with _refusals_named():
        (answer,) = book(**values)
        if answer.accounts < len(places):
            _open(places.values())
            (answer,) = book(**values)
    if not answer.moved:
        raise AlreadyBooked(text("この取引はすでに記帳されています(%(cause)s)。", cause=cause))
    return Booked(values["id"], cause)


@dataclass(frozen=True)
class Booking:
    """An entry to be posted with others."""

    cause: str
    moves: Sequence[Move]
    reference: str
    words: str


ENTRIES = """
INSERT INTO ledger_entry (id, at, booked_on, cause, reference, words, transfer_count)
SELECT id, :at, :booked_on, cause, reference, words, transfer_count
FROM unnest(CAST(:ids AS text[]), CAST(:causes AS text[]), CAST(:references AS text[]), CAST(:words AS text[]),
  CAST(:counts AS int[])) AS e (id, cause, reference, words, transfer_count)
"""
TRANSFERS = """
INSERT INTO ledger_transfer (entry_id, transfer_count, line, amount_jpy, source, destination)
SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:counts AS int[]), CAST(:lines AS int[]), CAST(:amounts AS numeric[]),
  CAST(:sources AS text[]), CAST(:destinations AS text[]))
"""


def post_each(bookings: Sequence[Booking], *, at: datetime, booked_on: date) -> None:
    """Book many entries at once, each whole or none of all; a cause that stands breaks the database's constraint.

    Raises `NotEnough` when a floored account would fall below zero by all of them together.
    """
    real = {new_id(): [move for move in booking.moves if move.amount_jpy] for booking in bookings}
    rows = [(key, len(each), n, move) for key, each in real.items() for n, move in enumerate(each, start=1)]
    if not rows:
        return
    _open({place for *_, move in rows for place in (move.source, move.destination)})
    entries = {"ids": list(real), "counts": [len(each) for each in real.values()]}
    told = {"causes": [b.cause for b in bookings], "references": [b.reference for b in bookings]}
    with _refusals_named():
        values = {**entries, **told, "words": [b.words for b in bookings], "at": at, "booked_on": booked_on}
        session.execute(sql(ENTRIES), values)
        columns = {"ids": 0, "counts": 1, "lines": 2}
        lists: dict[str, list[Any]] = {name: [row[n] for row in rows] for name, n in columns.items()}
        lists["amounts"] = [move.amount_jpy for *_, move in rows]
        lists["sources"] = [move.source.code for *_, move in rows]
        lists["destinations"] = [move.destination.code for *_, move in rows]
        session.execute(sql(TRANSFERS), lists)


def is_booked(cause: str) -> bool:
    """Whether a cause stands in the ledger."""
    return session.scalar(select(Entry.id).where(Entry.cause == cause)) is not None


@contextmanager
def _refusals_named() -> Iterator[None]:
    """Turn the database's refusals that people may read into ours; the transaction is over either way."""
    try:
        yield
    except (CheckViolation, UniqueViolation, IntegrityError) as refusal:
        told = refusal.orig if isinstance(refusal, IntegrityError) else refusal
        broken = told.diag.constraint_name if isinstance(told, CheckViolation | UniqueViolation) else None
        if broken == "ck_ledger_held_not_below_zero":
            raise NotEnough(text("口座の残高(保留中の額を除く)が足りないため、記帳できません。")) from None
        if broken == "uq_ledger_entry_reverses_id":
            raise AlreadyBooked(text("この仕訳はすでに訂正されています。")) from None
        raise


def _open(places: Iterable[Place]) -> None:
    """Open accounts that do not exist yet; in one order, so that two bookings never wait for each other in a ring."""
    session.flush()
    rows = []
    for place in sorted(places, key=lambda p: p.code):
        heading = rules.CHART[place.heading]
        row = {"code": place.code, "heading": place.heading, "organization_id": place.organization_id}
        rows.append(row | {"kind": heading.kind, "side": heading.side, "floored": heading.floored})
    session.execute(insert(Account).values(rows).on_conflict_do_nothing())


def reverse(entry_id: str, *, at: datetime, booked_on: date, words: str) -> Booked:
    """Undo an entry by its mirror image, once; raises `AlreadyBooked` the second time."""
    query = select(Entry).where(Entry.id == entry_id).options(selectinload(Entry.transfers))
    entry = session.scalars(query).one()
    mirror = [Move(t.amount_jpy, _place(t.destination), _place(t.source)) for t in reversed(entry.transfers)]
    return post(
        f"reversal/{entry.id}",
        mirror,
        at=at,
        booked_on=booked_on,
        reference=entry.reference,
        words=words,
        reverses=entry.id,
    )


def balance(place: Place, *, until: datetime | None = None) -> int:
    """The balance in yen on the account's own side; as it was booked before a moment, if one is given."""
    debit, credit = sums(until=until, account=place.code).get(place.code, (0, 0))
    return debit - credit if rules.CHART[place.heading].side == "debit" else credit - debit


def sums(*, until: datetime | None = None, account: str | None = None) -> dict[str, tuple[int, int]]:
    """Debits and credits of every account, or of one, in one read; as booked before a moment, if one is given."""
    moved = postings(until=until, account=account)
    totals = func.sum(moved.c.debit_jpy), func.sum(moved.c.credit_jpy)
    found = session.execute(select(moved.c.account, *totals).group_by(moved.c.account))
    return {code: (int(debit), int(credit)) for code, debit, credit in found}


def postings(*, until: datetime | None = None, account: str | None = None) -> Subquery:
    """All that ever moved, or moved before a moment, in as few rows as there are: account, booked_on, debit_jpy,
    credit_jpy. Whole days that are sealed come as their sums, the rest transfer by transfer.
    """
    days = select(DaySum.account, DaySum.booked_on, DaySum.debit_jpy, DaySum.credit_jpy)
    rest: Any = select(Unsealed.entry_id)
    if until is not None:
        midnight = until.astimezone(clock.JST).replace(hour=0, minute=0, second=0, microsecond=0)
        days = days.where(DaySum.recorded_on < midnight.date())
        rest = union(rest, select(Entry.id).where(Entry.at >= midnight, Entry.at < until))
    parts: list[Any] = [days if account is None else days.where(DaySum.account == account)]
    zero = cast(0, Numeric)
    for column, amounts in (
        (Transfer.destination, (Transfer.amount_jpy, zero)),
        (Transfer.source, (zero, Transfer.amount_jpy)),
    ):
        part = select(column, Entry.booked_on, *amounts).join(Entry, Entry.id == Transfer.entry_id)
        part = part.where(Entry.id.in_(rest), Entry.at < until if until is not None else true())
        parts.append(part if account is None else part.where(column == account))
    return union_all(*parts).subquery("posting")


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


def available(place: Place) -> int:
    """What of a floored account's balance is not on hold, in yen."""
    return session.scalar(select(Held.held_jpy - Held.pending_jpy).where(Held.account == place.code)) or 0


# --- in two phases: hold, then post up to the hold, void, or let expire ------------------------------------------


def hold(cause: str, move: Move, *, at: datetime, expires_at: datetime, reference: str, words: str) -> Hold:
    """→ waiting. Set an amount aside until a moment: a floored account that it would leave counts it as gone.

    Raises `AlreadyBooked` when the cause was held for already, and `NotEnough` when less is available.
    """
    _open([move.source, move.destination])
    values = {"id": new_id(), "at": at, "expires_at": expires_at, "cause": cause, "reference": reference}
    values |= {"words": words, "amount_jpy": move.amount_jpy}
    values |= {"source": move.source.code, "destination": move.destination.code}
    with _refusals_named():
        made = session.scalar(insert(Hold).values(values).on_conflict_do_nothing().returning(Hold))
    if made is None:
        raise AlreadyBooked(text("この取引の額はすでに保留されています(%(cause)s)。", cause=cause))
    return made


def post_hold(
    hold_id: str,
    amount_jpy: int | None = None,
    *,
    at: datetime,
    booked_on: date,
    words: str = "",
    also: Sequence[Move] = (),
) -> Booked:
    """waiting → posted. Book so much of a hold, all of it by default, with other moves of the same deed; the rest of
    the hold is released.

    Raises `HoldEnded` when it was posted, voided or is past its time, `AboveHold` above its amount, else as `post`.
    """
    waiting = _waiting(hold_id)
    if at >= waiting.expires_at:
        raise HoldEnded(text("保留の期限が過ぎています。"), state="expired", allowed=[])
    amount = waiting.amount_jpy if amount_jpy is None else amount_jpy
    if not 0 < amount <= waiting.amount_jpy:
        raise AboveHold(text("保留した額(%(held)s円)までしか記帳できません。", held=f"{waiting.amount_jpy:,}"))
    entry_id = new_id()
    main = Move(amount, _place(waiting.source), _place(waiting.destination))
    _lock_in_order([main, *also])
    _end(waiting, "posted", at, entry_id)
    cause, reference = f"hold/{waiting.id}/posted", waiting.reference
    options: dict[str, Any] = {"at": at, "booked_on": booked_on, "reference": reference}
    return post(cause, [main, *also], words=words or waiting.words, entry_id=entry_id, **options)


def _lock_in_order(moves: Sequence[Move]) -> None:
    """Lock the balances that moves touch, in the order in which every entry does, so that no two wait in a ring.

    Their accounts are opened first: what is not there yet could not be locked.
    """
    places = {place.code: place for move in moves for place in (move.source, move.destination)}
    _open(places.values())
    session.execute(sql("SELECT ledger_lock_held(:codes)"), {"codes": sorted(places)})


def is_waiting(hold_id: str, *, at: datetime) -> bool:
    """Whether a hold can still be posted or voided at a moment."""
    waiting = select(Hold.id).where(Hold.id == hold_id, Hold.ended.is_(None), Hold.expires_at > at)
    return session.scalar(waiting) is not None


def void_hold(hold_id: str, *, at: datetime) -> None:
    """waiting → voided. Release a hold; raises `HoldEnded` when it has ended already."""
    _end(_waiting(hold_id), "voided", at)


def expire_holds(*, at: datetime, limit: int = 1_000) -> int:
    """waiting → expired. Release every hold whose time is over; how many were."""
    due = select(Hold.id).where(Hold.ended.is_(None), Hold.expires_at <= at).order_by(Hold.expires_at).limit(limit)
    expired = update(Hold).where(Hold.id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
    found = session.execute(expired.values(ended="expired", ended_at=at), execution_options=NO_SYNC)
    return int(found.rowcount)  # type: ignore[attr-defined]


def _waiting(hold_id: str) -> Hold:
    """A hold that has not ended, locked until the transaction ends."""
    query = select(Hold).where(Hold.id == hold_id).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound
    if found.ended:
        raise HoldEnded(text("この保留はすでに終わっています。"), state=found.ended, allowed=[])
    return found


def _end(waiting: Hold, how: str, at: datetime, entry_id: str | None = None) -> None:
    waiting.ended, waiting.ended_at, waiting.entry_id = how, at, entry_id
    session.flush()


def _place(code: str) -> Place:
    heading, _, organization_id = code.partition("/")
    return Place(heading, organization_id or None)

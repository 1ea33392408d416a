"""The ledger's hash chain: entries get their place in order, by one job, so that posting waits for nobody.

And the proof of the books: the chain is whole, every entry is in it with all its transfers, the balances that floors
are judged by are the sums of the transfers, and the chain still holds the seal that was written down last time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert

from exchange import audit, chain, clock
from exchange.audit import AuditEntry
from exchange.database import session
from exchange.errors import N_, Words, text
from exchange.identity import actions as people
from settlement.models import Seal

VERIFIED = "ledger.verify"
NIGHT = 2  # o'clock in Japan; the books are proven once a day from then on
WAITS_AT_MOST = timedelta(minutes=10)


@dataclass(frozen=True)
class Fault:
    """What of the books does not hold, and where first."""

    what: Words
    entry_id: str | None = None
    place: int | None = None
    account: str | None = None

    @property
    def where(self) -> str:
        """The entry, place or account as one string."""
        return str(self.entry_id or self.account or self.place)


@dataclass(frozen=True)
class Proof:
    """The outcome of proving the books: how many entries are sealed, the last seal, and the first fault if any."""

    sealed: int
    last_seal: str
    fault: Fault | None


# What is sealed of an entry. Amounts as integers, so that they are written one way only.
BODY = """
SELECT {columns}, e.id, e.at, e.booked_on, e.cause, e.reference, e.words, e.reverses_id, (
  SELECT json_agg(json_build_array(t.line, t.amount_jpy::bigint, t.source, t.destination) ORDER BY t.line)
  FROM ledger_transfer t WHERE t.entry_id = e.id) AS transfers
"""
WAITING = BODY.format(columns="NULL") + "FROM ledger_entry e WHERE e.id = ANY(:ids) ORDER BY e.id"
TAKE = """
DELETE FROM ledger_unsealed WHERE entry_id IN (SELECT entry_id FROM ledger_unsealed ORDER BY entry_id LIMIT :limit)
RETURNING entry_id
"""
ADD_UP = """
INSERT INTO ledger_day (account, booked_on, recorded_on, debit_jpy, credit_jpy)
SELECT p.account, e.booked_on, (e.at AT TIME ZONE 'Asia/Tokyo')::date, sum(p.debit_jpy), sum(p.credit_jpy)
FROM ledger_entry e JOIN (
  SELECT entry_id, destination AS account, amount_jpy AS debit_jpy, 0 AS credit_jpy FROM ledger_transfer
  UNION ALL SELECT entry_id, source, 0, amount_jpy FROM ledger_transfer) p ON p.entry_id = e.id
WHERE e.id = ANY(:ids) GROUP BY 1, 2, 3
ON CONFLICT (account, booked_on, recorded_on) DO UPDATE
SET debit_jpy = ledger_day.debit_jpy + excluded.debit_jpy, credit_jpy = ledger_day.credit_jpy + excluded.credit_jpy
"""
SEALED = BODY.format(columns="s.place, s.seal, s.entry_id") + (
    "FROM ledger_seal s LEFT JOIN ledger_entry e ON e.id = s.entry_id ORDER BY s.place"
)


def seal(*, limit: int = 5_000) -> int:
    """Give entries that wait their place in the chain, oldest first; how many. One job at a time."""
    ids = list(session.scalars(sql(TAKE), {"limit": limit}))
    if not ids:
        return 0
    last = session.execute(select(Seal.place, Seal.seal).order_by(Seal.place.desc()).limit(1)).first()
    place, before = (last.place, last.seal) if last else (0, chain.GENESIS)
    waiting = session.execute(sql(WAITING), {"ids": ids}).all()
    links = chain.sealed(map(_body, waiting), place=place, before=before)
    rows = [
        {"place": place, "entry_id": row.id, "seal": seal} for row, (place, seal) in zip(waiting, links, strict=True)
    ]
    session.execute(insert(Seal), rows)
    session.execute(sql(ADD_UP), {"ids": ids})
    return len(rows)


def _body(row: Any) -> Sequence[Any]:
    at, on = row.at and row.at.astimezone(UTC).isoformat(), row.booked_on and row.booked_on.isoformat()
    return [row.id, at, on, row.cause, row.reference, row.words, row.reverses_id, row.transfers]


def prove(*, at: datetime) -> Proof:
    """Check chain, entries and kept balances from the first yen on; reads everything, changes nothing."""
    last = session.execute(select(Seal.place, Seal.seal).order_by(Seal.place.desc()).limit(1)).first()
    place, last_seal = (last.place, last.seal) if last else (0, chain.GENESIS)
    fault = _broken_link() or _cut_short() or _out_of_sum(at)
    return Proof(place, last_seal, fault)


def _broken_link() -> Fault | None:
    broken = chain.first_broken((row, _body(row)) for row in _links())
    if broken is None:
        return None
    return Fault(text("封印の連鎖が途切れているか、封印後に仕訳が変わっています。"), broken.entry_id, broken.place)


def _links() -> Iterator[Any]:
    yield from session.execute(sql(SEALED).execution_options(yield_per=1_000))


def _cut_short() -> Fault | None:
    """Whether seals that an earlier proof wrote down are gone: a chain cut off at its end is whole in itself."""
    sound = (AuditEntry.deed == VERIFIED, ~AuditEntry.detail.has_key("fault"))
    noted = session.scalar(select(AuditEntry.detail).where(*sound).order_by(AuditEntry.id.desc()).limit(1))
    if not noted or not noted["sealed"]:
        return None
    stands = session.scalar(select(Seal.seal).where(Seal.place == noted["sealed"]))
    if stands == noted["last_seal"]:
        return None
    return Fault(text("以前に確認した封印が失われているか、変わっています。"), place=noted["sealed"])


# Each names the first entry or account where something does not hold, and says it as people then read it.
SUMS: list[tuple[str, str, str]] = [
    (
        "entry_id",
        N_("明細の数が仕訳と合いません。"),
        """SELECT e.id FROM ledger_entry e LEFT JOIN ledger_transfer t ON t.entry_id = e.id
           GROUP BY e.id HAVING count(t.line) <> e.transfer_count ORDER BY e.id LIMIT 1""",
    ),
    (
        "account",
        N_("口座の残高が仕訳の合計と合いません。"),
        """SELECT h.account FROM ledger_held h LEFT JOIN (
             SELECT code, sum(debit_jpy) AS debit_jpy FROM (
               SELECT destination AS code, amount_jpy AS debit_jpy FROM ledger_transfer
               UNION ALL SELECT source, -amount_jpy FROM ledger_transfer) postings GROUP BY code) s ON s.code = h.account
           LEFT JOIN LATERAL (SELECT sum(amount_jpy) AS pending_jpy FROM ledger_hold w WHERE w.ended IS NULL
             AND (w.source = h.account AND h.sign > 0 OR w.destination = h.account AND h.sign < 0)) p ON true
           WHERE h.held_jpy <> h.sign * coalesce(s.debit_jpy, 0) OR h.pending_jpy <> coalesce(p.pending_jpy, 0)
           ORDER BY h.account LIMIT 1""",
    ),
    (
        "account",
        N_("日ごとの合計が仕訳の合計と合いません。"),
        """SELECT coalesce(d.account, s.account) FROM (
             SELECT account, booked_on, sum(debit_jpy) AS debit_jpy, sum(credit_jpy) AS credit_jpy
             FROM ledger_day GROUP BY 1, 2) d
           FULL JOIN (
             SELECT p.account, e.booked_on, sum(p.debit_jpy) AS debit_jpy, sum(p.credit_jpy) AS credit_jpy
             FROM ledger_seal JOIN ledger_entry e ON e.id = ledger_seal.entry_id JOIN (
               SELECT entry_id, destination AS account, amount_jpy AS debit_jpy, 0 AS credit_jpy FROM ledger_transfer
               UNION ALL SELECT entry_id, source, 0, amount_jpy FROM ledger_transfer) p ON p.entry_id = e.id
             GROUP BY 1, 2) s ON s.account = d.account AND s.booked_on = d.booked_on
           WHERE (d.debit_jpy, d.credit_jpy) IS DISTINCT FROM (s.debit_jpy, s.credit_jpy) ORDER BY 1 LIMIT 1""",
    ),
]
FORGOTTEN = """
SELECT e.id FROM ledger_entry e LEFT JOIN ledger_seal s ON s.entry_id = e.id
WHERE s.entry_id IS NULL AND e.at < :before ORDER BY e.id LIMIT 1
"""


def _out_of_sum(at: datetime) -> Fault | None:
    for field, what, query in SUMS:
        found = session.scalar(sql(query))
        if found is not None:
            return Fault(text(what), **{field: found})
    forgotten = session.scalar(sql(FORGOTTEN), {"before": at - WAITS_AT_MOST})
    return Fault(text("封印されていない仕訳があります。"), forgotten) if forgotten else None


def prove_nightly(*, at: datetime) -> None:
    """Once a day, from two in the morning in Japan, prove the books; a fault is told to the administrators at once."""
    today = at.astimezone(clock.JST).replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    last = session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.deed == VERIFIED))
    if at < today or (last is not None and last >= today):
        return
    proof = prove(at=at)
    _note(proof, at)
    if proof.fault:
        _alarm(proof.fault, at)


def _note(proof: Proof, at: datetime) -> None:
    """Write the last seal into the audit log, whose own chain then holds it."""
    detail: dict[str, Any] = {"sealed": proof.sealed, "last_seal": proof.last_seal}
    if proof.fault:
        detail |= {"fault": str(proof.fault.what), "where": proof.fault.where}
    audit.record(VERIFIED, actor=None, subject="ledger", at=at, detail=detail)


def _alarm(fault: Fault, at: datetime) -> None:
    people.notify_operators(
        title=text("会計帳簿の検証で異常が見つかりました"),
        body=text(
            "%(what)s(%(where)s)支払いの処理を止め、バックアップと照合してください。",
            what=fault.what,
            where=fault.where,
        ),
        path="/desk/ledger",
        at=at,
        roles=["finance", "system"],
    )

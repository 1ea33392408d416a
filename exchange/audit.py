"""The audit log: one call in every action, same transaction, append only, sealed into a hash chain by one job.

Sealing is apart from writing so that no request waits for another: rows get their place in the chain within seconds.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, Identity, Index, event, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from exchange import chain
from exchange.database import Base, Page, make_cursor, read_cursor, session
from exchange.errors import Invalid, text


class AuditEntry(Base):
    """Who did what to which thing, and when."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_unsealed", "id", postgresql_where="seal IS NULL"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    deed: Mapped[str]
    actor: Mapped[str | None]
    organization_id: Mapped[str | None] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]
    place: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    seal: Mapped[str | None]


# Only the sealing of an unsealed row may touch it afterwards; nothing may remove it.
APPEND_ONLY = """
CREATE OR REPLACE FUNCTION audit_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.seal IS NULL AND (to_jsonb(OLD) - 'seal' - 'place') = (to_jsonb(NEW) - 'seal' - 'place') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log is append only';
END $$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_entry_append_only();
"""
event.listen(AuditEntry.__table__, "after_create", DDL(APPEND_ONLY.replace("%", "%%")))


def record(
    deed: str,
    *,
    actor: str | None,
    subject: str,
    at: datetime,
    organization: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one deed (`contract.approve`) on one subject (`contract/…`); actor is a member's id, None for the clock."""
    session.add(
        AuditEntry(deed=deed, actor=actor, subject=subject, at=at, organization_id=organization, detail=detail or {})
    )


def record_each(
    deed: str,
    subjects: Sequence[tuple[str, str | None, dict[str, Any]]],
    *,
    actor: str | None,
    at: datetime,
) -> None:
    """Write one deed on many subjects: subject, organization and detail of each, in their order."""
    rows = [
        {"deed": deed, "actor": actor, "subject": subject, "at": at, "organization_id": organization, "detail": detail}
        for subject, organization, detail in subjects
    ]
    if rows:
        session.execute(insert(AuditEntry), rows)


def _body(entry: AuditEntry) -> list[Any]:
    who = [entry.actor, entry.organization_id]
    return [entry.id, entry.at.isoformat(), entry.deed, *who, entry.subject, entry.detail]


def seal(*, limit: int = 5_000) -> int:
    """Give unsealed entries their place in the chain, oldest first; how many were sealed. One job at a time."""
    last = session.execute(
        select(AuditEntry.place, AuditEntry.seal)
        .where(AuditEntry.place.is_not(None))
        .order_by(AuditEntry.place.desc())
        .limit(1)
    ).first()
    place, before = (last.place, last.seal) if last else (0, chain.GENESIS)
    waiting = session.scalars(
        select(AuditEntry).where(AuditEntry.seal.is_(None)).order_by(AuditEntry.id).limit(limit)
    ).all()
    links = chain.sealed(map(_body, waiting), place=place, before=before)
    rows = [{"id": e.id, "place": place, "seal": seal} for e, (place, seal) in zip(waiting, links, strict=True)]
    for entry in waiting:
        session.expunge(entry)
    if rows:
        session.execute(update(AuditEntry), rows)
    return len(rows)


def broken() -> AuditEntry | None:
    """The first sealed entry that does not follow from the one before it, or None when the chain is whole."""
    return chain.first_broken((entry, _body(entry)) for entry in _chain())


def _chain() -> Iterator[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.place.is_not(None)).order_by(AuditEntry.place)
    yield from session.scalars(query.execution_options(yield_per=1000))


def sealed_count() -> int:
    """How many entries stand in the chain."""
    return session.scalar(select(func.count()).where(AuditEntry.place.is_not(None))) or 0


def entries(
    *,
    deed: str = "",
    subject: str = "",
    actor: str = "",
    organization: str = "",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[AuditEntry]:
    """The newest entries first; of deeds and subjects that begin so, of one actor or organization if asked."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit + 1)
    if deed:
        query = query.where(AuditEntry.deed.startswith(deed, autoescape=True))
    if subject:
        query = query.where(AuditEntry.subject.startswith(subject, autoescape=True))
    if actor:
        query = query.where(AuditEntry.actor == actor)
    if organization:
        query = query.where(AuditEntry.organization_id == organization)
    if cursor:
        query = query.where(AuditEntry.id < _position(cursor))
    rows = session.scalars(query).all()
    return Page(rows[:limit], make_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None)


def _position(cursor: str) -> int:
    position = read_cursor(cursor)
    if not position.isascii() or not position.isdigit() or len(position) > 18:
        raise Invalid({"cursor": [text("カーソルが正しくありません。")]})
    return int(position)

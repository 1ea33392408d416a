"""Grants (issued links), the request lines that answered them, and what was counted of them.

Grants and request lines are evidence: written once, never changed. What is counted is kept beside them, by the same
transaction that adds a line, as sets of covered bytes (`int8multirange`).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, event
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, INT8RANGE, Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models import Contract
from exchange.database import Base, Id
from exchange.identity.models import Member
from listings.models import File, Listing


def _to(entity: type[Base], column: str) -> Any:
    name = entity.__name__
    condition = f"foreign(Grant.{column}) == {name}.id"
    return relationship(name, primaryjoin=condition, lazy="raise_on_sql", viewonly=True)


class Grant(Base):
    """One issued link: for whom, under which contract, to which immutable object, until when."""

    __tablename__ = "delivery_grant"
    __table_args__ = (
        CheckConstraint("variant IN ('original','parquet')", name="variant"),
        CheckConstraint("contract_id IS NULL OR member_id IS NOT NULL", name="somebody"),
        Index("ix_delivery_grant_contract", "contract_id", "month", "id", postgresql_where="contract_id IS NOT NULL"),
    )

    # No foreign keys: contracts, files and members are never deleted, what is written here was read in the same
    # transaction, and a key checked on every link would have all links of a contract lock its row at once.
    id: Mapped[Id]
    contract_id: Mapped[str | None]  # None: open data
    contract: Mapped[Contract | None] = _to(Contract, "contract_id")
    listing_id: Mapped[str]
    listing: Mapped[Listing] = _to(Listing, "listing_id")
    file_id: Mapped[str] = mapped_column(index=True)
    file: Mapped[File] = _to(File, "file_id")
    variant: Mapped[str]
    member_id: Mapped[str | None]
    member: Mapped[Member | None] = _to(Member, "member_id")
    token_id: Mapped[str | None]
    object_key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    issued_at: Mapped[datetime]  # business time
    expires_at: Mapped[datetime]  # real time, as the store sees it
    month: Mapped[str]  # YYYY-MM in Japan, of issued_at: the month it is charged in
    pool: Mapped[str]  # in which its bytes count once: the rule in force when it was issued
    remote: Mapped[str | None]  # the only address that may use it, where the contract's security level binds links
    usage: Mapped["GrantUsage | None"] = relationship(
        primaryjoin="foreign(Grant.id) == GrantUsage.grant_id", lazy="raise_on_sql", viewonly=True, uselist=False
    )


class OneTime(Base):
    """A grant that one request alone may use; beside the grant, which never changes."""

    __tablename__ = "delivery_once"

    grant_id: Mapped[str] = mapped_column(ForeignKey("delivery_grant.id"), primary_key=True)
    used_at: Mapped[datetime | None]


class RequestLine(Base):
    """One line of an access log that answered a grant, and the bytes it added to what is billable."""

    __tablename__ = "request_line"
    __table_args__ = (Index("ix_request_line_grant", "grant_id"),)

    request_id: Mapped[str] = mapped_column(primary_key=True)
    grant_id: Mapped[str]  # no foreign key: the statement that adds lines joins them to grants, which are never deleted
    at: Mapped[datetime]  # business time
    method: Mapped[str]
    status: Mapped[int]
    bytes_sent: Mapped[int] = mapped_column(BigInteger)
    range: Mapped[str | None]  # the Range header, as sent
    covered: Mapped[Range[int] | None] = mapped_column(
        INT8RANGE
    )  # of the object, really written; empty for HEAD and errors
    added_bytes: Mapped[int] = mapped_column(BigInteger)
    remote: Mapped[str]
    user_agent: Mapped[str]
    digest: Mapped[str]  # of the line: the same id with another digest is an alarm


class Coverage(Base):
    """Which bytes of an object were delivered in a pool (see `rules.pool`)."""

    __tablename__ = "delivery_coverage"

    pool: Mapped[str] = mapped_column(primary_key=True)
    covered: Mapped[MultiRange[int]] = mapped_column(INT8MULTIRANGE)
    # Sent by requests whose log tells no range: they cover the object from its beginning, as far as their sum goes.
    rangeless_bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class GrantUsage(Base):
    """What was counted of one grant."""

    __tablename__ = "grant_usage"

    grant_id: Mapped[str] = mapped_column(primary_key=True)  # no foreign key: as for lines
    delivered_bytes: Mapped[int] = mapped_column(BigInteger)
    billable_bytes: Mapped[int] = mapped_column(BigInteger)
    downloads: Mapped[int]
    last_at: Mapped[datetime | None]  # the newest successful read; None: only refused requests
    changed_at: Mapped[datetime | None]  # when these figures last changed


class SetAside(Base):
    """A log line that was not counted, with the reason, for an administrator to look at."""

    __tablename__ = "log_set_aside"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    reason: Mapped[str]  # malformed | no-grant | unknown-grant | wrong-object | changed | damaged
    file: Mapped[str]
    line: Mapped[str]
    seen_at: Mapped[datetime]


class LogFile(Base):
    """How far an access log was read. Known by its first line, so that a renamed, copied or restored file is known."""

    __tablename__ = "log_file"

    first_line: Mapped[str] = mapped_column(primary_key=True)  # SHA-256; of delivered files with the name before it
    name: Mapped[str] = mapped_column(index=True)
    mark: Mapped[str | None]  # of the content that was read (see `log_places`): the same mark is not opened again
    offset: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[int] = mapped_column(BigInteger, default=0)
    counted: Mapped[int] = mapped_column(BigInteger, default=0)
    duplicates: Mapped[int] = mapped_column(BigInteger, default=0)
    set_aside: Mapped[int] = mapped_column(BigInteger, default=0)
    newest_line_at: Mapped[datetime | None]
    behind: Mapped[bool] = mapped_column(default=False)  # more whole lines were there when reading paused
    read_at: Mapped[datetime]


class LogReading(Base):
    """How the meter stands with a source of logs. Times are business time."""

    __tablename__ = "log_reading"

    source: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    newest_line_at: Mapped[datetime | None]
    behind: Mapped[bool] = mapped_column(default=False)  # more was there when the last reading paused
    read_until: Mapped[datetime | None]  # while behind: the last reading that came to the end
    warned_at: Mapped[datetime | None]  # administrators know that the meter lags
    compared_at: Mapped[datetime | None]  # the last daily comparison


class Difference(Base):
    """Something that the daily comparison of grants, lines, objects and log files found, for administrators."""

    __tablename__ = "delivery_difference"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_delivery_difference_open", "id", postgresql_where="seen_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]  # see rules.DIFFERENCES
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))


class ObjectCheck(Base):
    """An object as the store had it when it was last compared with its file."""

    __tablename__ = "delivery_object_check"

    object_key: Mapped[str] = mapped_column(primary_key=True)
    etag: Mapped[str]
    checked_at: Mapped[datetime] = mapped_column(index=True)


class Dispute(Base):
    """A buyer's objection to a request line: raised ──answer──> answered ──decide──> decided (or decided unanswered)."""

    __tablename__ = "delivery_dispute"
    __table_args__ = (CheckConstraint("decision IN ('upheld','rejected')", name="decision"),)

    id: Mapped[Id]
    request_id: Mapped[str] = mapped_column(ForeignKey("request_line.request_id"), unique=True)
    line: Mapped[RequestLine] = relationship(lazy="raise_on_sql", viewonly=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("delivery_grant.id"), index=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    contract: Mapped[Contract] = relationship(lazy="raise_on_sql", viewonly=True)
    reason: Mapped[str]
    raised_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    raised_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    answered_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    decision_reason: Mapped[str | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    decided_at: Mapped[datetime | None]


class Correction(Base):
    """What a decision takes off the usage of a grant; written once, beside the lines, which stay as they are."""

    __tablename__ = "usage_correction"
    __table_args__ = (CheckConstraint("billable_bytes <= 0 AND downloads <= 0", name="less"),)

    id: Mapped[Id]
    dispute_id: Mapped[str] = mapped_column(ForeignKey("delivery_dispute.id"), unique=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("delivery_grant.id"), index=True)
    billable_bytes: Mapped[int] = mapped_column(BigInteger)
    downloads: Mapped[int]
    made_at: Mapped[datetime]


class ContractLimits(Base):
    """The buyer's own limits for a month under a contract; delivery stops at them."""

    __tablename__ = "contract_limits"
    __table_args__ = (CheckConstraint("bytes >= 0 AND downloads >= 0 AND amount_jpy >= 0", name="positive"),)

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    downloads: Mapped[int | None] = mapped_column(BigInteger)
    amount_jpy: Mapped[int | None] = mapped_column(BigInteger)
    set_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    set_at: Mapped[datetime]


class NamedUser(Base):
    """A member whom the buyer named as one who may draw links under a contract of level L3, and until when."""

    __tablename__ = "contract_named_user"
    __table_args__ = (
        Index(
            "uq_contract_named_user_now", "contract_id", "member_id", unique=True, postgresql_where="removed_at IS NULL"
        ),
    )

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"))
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    member: Mapped[Member] = relationship(foreign_keys=member_id, lazy="raise_on_sql", viewonly=True)
    named_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    named_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class LimitWarning(Base):
    """A limit of a month that was neared or reached, or that refused a link; told to the buyer once."""

    __tablename__ = "limit_warning"
    __table_args__ = (
        CheckConstraint("kind IN ('own','quota')", name="kind"),
        CheckConstraint("limited IN ('bytes','downloads','amount_jpy')", name="limited"),
        Index("ix_limit_warning_untold", "contract_id", postgresql_where="told_at IS NULL"),
    )

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # own: the buyer's limit; quota: the contract's
    limited: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)  # a limit changed is another
    percent: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    used: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[bool] = mapped_column(default=False)
    noted_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class IdentityRevocation(Base):
    """When the role sessions of a contract were last denied; what was issued until then signs nothing more."""

    __tablename__ = "identity_revocation"

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    revoked_at: Mapped[datetime] = mapped_column(index=True)  # real time


class SharingProfile(Base):
    """A Delta Sharing profile: a bearer token for one contract, of which only its SHA-256 is kept."""

    __tablename__ = "sharing_profile"
    __table_args__ = (
        # One at a time: a new one takes the place of the one before.
        Index("uq_sharing_profile_live", "contract_id", unique=True, postgresql_where="revoked_at IS NULL"),
    )

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"))
    contract: Mapped[Contract] = relationship(lazy="raise_on_sql")
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    member: Mapped[Member] = relationship(lazy="raise_on_sql")
    digest: Mapped[str] = mapped_column(unique=True)
    issued_at: Mapped[datetime]  # business time, as all here but:
    expires_at: Mapped[datetime]  # real time, as clients see it
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class ProvisionRecord(Base):
    """One side's record of one provision to a third party (個人情報保護法 29, 30, 31): written once, kept for its term.

    Names, addresses and items stand as they were on the day; later changes elsewhere do not reach them.
    """

    __tablename__ = "provision_record"
    __table_args__ = (
        CheckConstraint("side IN ('provider','buyer')", name="side"),
        UniqueConstraint("grant_id", "side"),
        Index("ix_provision_record_kept_by", "organization_id", "id"),
    )

    id: Mapped[Id]
    grant_id: Mapped[str] = mapped_column(ForeignKey("delivery_grant.id"))
    side: Mapped[str]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))  # who keeps this record
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    contract_number: Mapped[str]
    data_class: Mapped[str]
    articles: Mapped[str]  # that ask for it
    provided_at: Mapped[datetime]
    partner: Mapped[dict[str, Any]]  # the other side: name, address, representative, corporate_number
    consent: Mapped[str]  # who confirmed the persons' consent, and where; that nobody here did
    acquired: Mapped[str]  # how the provider came by the data, as the buyer confirmed it
    subjects: Mapped[str]  # what identifies the persons
    items: Mapped[list[Any]]
    file_name: Mapped[str]
    variant: Mapped[str]
    sha256: Mapped[str]
    made_at: Mapped[datetime]
    keep_until: Mapped[date] = mapped_column(index=True)


# Nobody changes a record; one whose term is over may go, once the house has said which day it is.
_RECORD_KEPT = """
CREATE OR REPLACE FUNCTION provision_record_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.keep_until < nullif(current_setting('exchange.today', true), '')::date THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'records of provision are not changed, and kept until their term is over';
END $$;
CREATE TRIGGER provision_record_kept BEFORE UPDATE OR DELETE ON provision_record
  FOR EACH ROW EXECUTE FUNCTION provision_record_kept();
"""
event.listen(ProvisionRecord.__table__, "after_create", DDL(_RECORD_KEPT))

# Evidence is written once.
_KEEP = """
CREATE OR REPLACE FUNCTION delivery_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of %% are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION delivery_evidence_kept();
"""
for _evidence in (Grant, RequestLine, Correction):
    event.listen(_evidence.__table__, "after_create", DDL(_KEEP.format(table=_evidence.__tablename__)))

_COVERED_BYTES = """
CREATE OR REPLACE FUNCTION covered_bytes(int8multirange) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
  $$ SELECT coalesce(sum(upper(piece) - lower(piece)), 0)::bigint FROM unnest($1) AS piece $$;
"""
event.listen(Coverage.__table__, "after_create", DDL(_COVERED_BYTES))

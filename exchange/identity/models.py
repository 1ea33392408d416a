"""Organizations, members, their credentials and notices."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exchange.database import Base, Id


class Organization(Base):
    """A company, municipality, NPO or university that takes part, or the operator of the exchange itself."""

    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint("kind IN ('company','municipality','npo','university','operator')", name="kind"),
        CheckConstraint("state IN ('pending','verified','suspended')", name="state"),
        CheckConstraint("kind <> 'municipality' OR municipality_code IS NOT NULL", name="municipality_code"),
        Index(
            "uq_organization_corporate_number", "corporate_number", unique=True, postgresql_where="state <> 'pending'"
        ),
    )

    id: Mapped[Id]
    name: Mapped[str]
    name_en: Mapped[str | None]
    kind: Mapped[str]
    corporate_number: Mapped[str | None]
    municipality_code: Mapped[str | None]
    registration_number: Mapped[str | None]
    registration_valid_from: Mapped[date | None]
    registration_valid_until: Mapped[date | None]
    address: Mapped[str] = mapped_column(default="")
    representative: Mapped[str] = mapped_column(default="")
    area_code: Mapped[str | None]
    bank_account: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    payer_names: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    is_abroad: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default="pending")
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    introduction: Mapped[str] = mapped_column(default="")

    @property
    def is_verified(self) -> bool:
        """Whether its identity was checked, so that it may list and buy."""
        return self.state == "verified"


class BankAccountChange(Base):
    """An account for payouts as one person entered it; in force once another confirmed it. One waits at a time.

    entered ──confirm──> confirmed        entered ──withdraw──> withdrawn
    """

    __tablename__ = "bank_account_change"
    __table_args__ = (
        CheckConstraint("confirmed_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> entered_by", name="two_people"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", name="confirmed_by_somebody"),
        Index(
            "uq_bank_account_change_waiting",
            "organization_id",
            unique=True,
            postgresql_where="confirmed_at IS NULL AND withdrawn_at IS NULL",
        ),
    )

    id: Mapped[Id]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    account: Mapped[dict[str, Any]]
    entered_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    entered_at: Mapped[datetime]
    confirmed_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    confirmed_at: Mapped[datetime | None]
    replaced: Mapped[bool] = mapped_column(default=False)  # another account was in force before: payouts are held
    withdrawn_at: Mapped[datetime | None]

    @property
    def is_waiting(self) -> bool:
        """Whether nobody confirmed or withdrew it yet."""
        return self.confirmed_at is None and self.withdrawn_at is None


class Member(Base):
    """A person, with the roles held in one organization; the `by=` of every action."""

    __tablename__ = "member"
    __table_args__ = (
        Index("uq_member_email", text("lower(email)"), unique=True, postgresql_where="removed_at IS NULL"),
        # Nobody but a demo member may do without a second factor: no mail reaches an address of the demo's domain.
        CheckConstraint(
            "NOT second_factor_exempt OR split_part(email, '@', 2) = 'demo.exchange.example'", name="exempt_in_demo"
        ),
    )

    id: Mapped[Id]
    email: Mapped[str]
    name: Mapped[str]
    department: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(String))
    may_bind: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(default="ja")
    password_hash: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    session_stamp: Mapped[str]  # changes with the password: sessions that carry another are over
    totp_secret: Mapped[str | None]
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    recovery_hashes: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    second_factor_exempt: Mapped[bool] = mapped_column(default=False)  # demo members only
    terms_accepted: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    @property
    def is_operator(self) -> bool:
        """Whether this person works for the exchange itself."""
        return self.organization.kind == "operator"


class ApiToken(Base):
    """A bearer token: only its SHA-256 is kept; 256 random bits need no slow hash."""

    __tablename__ = "api_token"

    id: Mapped[Id]
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"), index=True)
    member: Mapped[Member] = relationship(lazy="joined", innerjoin=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Notice(Base):
    """Something a member should know, on the desk; the same words go out by mail."""

    __tablename__ = "notice"

    id: Mapped[Id]
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"), index=True)
    title: Mapped[str]
    body: Mapped[str]
    path: Mapped[str]
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class OneTimeLink(Base):
    """A link in a mail that proves one thing once: an address, a reset, an invitation."""

    __tablename__ = "one_time_link"

    id: Mapped[Id]
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"), index=True)
    purpose: Mapped[str]  # confirm | reset | welcome
    digest: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailure(Base):
    """A failed sign-in, counted per account and per address."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (
        Index("ix_sign_in_failure_email_at", "email", "at"),
        Index("ix_sign_in_failure_address_at", "address", "at"),
    )

    id: Mapped[Id]
    email: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime]


class Allowance(Base):
    """How much of a limit was taken in the running window. Not worth surviving a crash, so unlogged."""

    __tablename__ = "allowance"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    key: Mapped[str] = mapped_column(primary_key=True)
    window: Mapped[int] = mapped_column(BigInteger)
    used: Mapped[int]


class IdempotencyKey(Base):
    """The first answer to a request that carried an `Idempotency-Key`, kept for a day."""

    __tablename__ = "idempotency_key"

    scope: Mapped[str] = mapped_column(primary_key=True)  # token id and path
    key: Mapped[str] = mapped_column(primary_key=True)
    body_digest: Mapped[str]
    status: Mapped[int]
    body: Mapped[str | None]  # None: the answer held a secret and is not kept
    created_at: Mapped[datetime] = mapped_column(index=True)

"""Offers, contracts, and what is kept as their evidence: rounds, acceptances, approvals, signatures, history, seals."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts import rules
from exchange.database import Base, Id
from exchange.identity.models import Member, Organization
from listings.models import Listing

_STATES = ",".join(f"'{state}'" for state in rules.STATES)


class Offer(Base):
    """A standing invitation to contract on a listing: template, variables, price."""

    __tablename__ = "offer"
    __table_args__ = (CheckConstraint("state IN ('draft','open','closed')", name="state"),)

    id: Mapped[Id]
    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id"), index=True)
    listing: Mapped[Listing] = relationship(lazy="raise_on_sql")
    name: Mapped[str]
    template_key: Mapped[str]
    template_version: Mapped[str]
    pricing: Mapped[dict[str, Any]]
    variables: Mapped[dict[str, Any]]  # what the provider fixed; the rest is the template's or the buyer's
    open_variables: Mapped[list[Any]] = mapped_column(default=list)  # keys the provider leaves to the buyer
    auto_accept: Mapped[bool] = mapped_column(default=False)  # settled terms: a request is accepted as it comes
    for_organization_id: Mapped[str | None] = mapped_column(ForeignKey("organization.id"))  # None: for everybody
    for_organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")
    checklist: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the provider's answers, see guideline.checklist
    looked_at: Mapped[list[Any]] = mapped_column(default=list)  # topics gone through, see guideline.topics
    price_basis: Mapped[str | None]
    payment: Mapped[str] = mapped_column(default="on_activation")
    state: Mapped[str] = mapped_column(default="open")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    closed_at: Mapped[datetime | None]

    @property
    def has_price(self) -> bool:
        """Whether its price is set; a draft's may name no more than the model."""
        return self.pricing["model"] == "free" or len(self.pricing) > 1


class Contract(Base):
    """A deal between a provider and a buyer on one listing; `rules` draws its life."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("turn IN ('buyer','provider','operator')", name="turn"),
        CheckConstraint("NOT awaits_confirmation OR state IN ('requested','declined','expired')", name="confirmed"),
        CheckConstraint("provider_id <> buyer_id", name="two_parties"),
        UniqueConstraint("buyer_id", "form_id"),  # the same form sent twice makes one request
        CheckConstraint("state <> 'active' OR (activated_at IS NOT NULL AND starts_on IS NOT NULL)", name="active"),
        Index("ix_contract_answer_by", "answer_by", postgresql_where="state IN ('requested','countered')"),
        Index("ix_contract_running", "ends_on", postgresql_where="state IN ('active','suspended')"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    form_id: Mapped[str | None]
    offer_id: Mapped[str] = mapped_column(ForeignKey("offer.id"), index=True)
    offer: Mapped[Offer] = relationship(lazy="raise_on_sql")
    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id"), index=True)
    listing: Mapped[Listing] = relationship(lazy="raise_on_sql")
    release_id: Mapped[str | None] = mapped_column(ForeignKey("release.id"))
    provider_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    provider: Mapped[Organization] = relationship(foreign_keys=provider_id, lazy="raise_on_sql")
    buyer_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    buyer: Mapped[Organization] = relationship(foreign_keys=buyer_id, lazy="raise_on_sql")

    state: Mapped[str] = mapped_column(default="requested", index=True)
    turn: Mapped[str | None] = mapped_column(default="provider")
    version: Mapped[int] = mapped_column(default=1)  # of the terms: each counter-proposal is a new one
    purpose: Mapped[str]
    variables: Mapped[dict[str, Any]]  # complete: every variable of the template has its value
    pricing: Mapped[dict[str, Any]]
    payment: Mapped[str] = mapped_column(default="on_activation")
    template_key: Mapped[str]
    template_version: Mapped[str]
    purchase_order: Mapped[str | None]
    checklist: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the buyer's answers
    awaits_confirmation: Mapped[bool] = mapped_column(default=False)  # of an owner of the buyer; hidden from others
    warnings: Mapped[int] = mapped_column(default=0)  # how often it was said that the request will lapse

    requested_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    requested_at: Mapped[datetime]
    answer_by: Mapped[datetime]  # a request unanswered by then lapses
    accepted_at: Mapped[datetime | None]
    approval_reference: Mapped[str | None]  # 決裁番号
    approved_on: Mapped[date | None]  # 決裁日
    signatory: Mapped[str | None]  # 契約担当者
    approvals_needed: Mapped[int] = mapped_column(default=1)
    approvals_given: Mapped[int] = mapped_column(default=0)
    risk_marks: Mapped[list[Any]] = mapped_column(default=list)  # why two administrators must approve
    unsigned: Mapped[list[Any]] = mapped_column(default=list)  # municipal sides whose signature is not recorded yet
    activated_at: Mapped[datetime | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]  # the last day; None has no fixed end
    renewals: Mapped[int] = mapped_column(default=0)
    renewal_told_for: Mapped[date | None]  # the end for which both were told that it will renew
    renewal_refused_by: Mapped[str | None]
    renewal_ground: Mapped[str | None]  # 債務負担行為 or 長期継続契約: lets a municipal buyer renew past 31 March
    suspended_by: Mapped[str | None]
    terminates_at: Mapped[datetime | None]  # a termination with cure period was announced for then
    ended_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]  # prepaid: when the exchange saw the money
    document_sha256: Mapped[str]
    lock_version: Mapped[int] = mapped_column(default=1)

    history: Mapped[list["ContractEvent"]] = relationship(lazy="raise_on_sql", order_by="ContractEvent.id")
    acceptances: Mapped[list["Acceptance"]] = relationship(lazy="raise_on_sql", order_by="Acceptance.id")
    approvals: Mapped[list["Approval"]] = relationship(lazy="raise_on_sql", order_by="Approval.id")
    rounds: Mapped[list["Round"]] = relationship(lazy="raise_on_sql", order_by="Round.version")
    signatures: Mapped[list["Signature"]] = relationship(lazy="raise_on_sql", order_by="Signature.id")
    deletion: Mapped["DeletionDuty | None"] = relationship(lazy="raise_on_sql", uselist=False)

    # Two administrators who approve at once take the row lock in turn; this is the second lock.
    __mapper_args__ = {"version_id_col": lock_version}  # noqa: RUF012

    @property
    def is_draft(self) -> bool:
        """Whether the document is still a draft (案): nobody has approved these terms."""
        return self.activated_at is None


class Round(Base):
    """One version of the terms on the table, and the message that came with it."""

    __tablename__ = "contract_round"
    __table_args__ = (UniqueConstraint("contract_id", "version"),)

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"))
    version: Mapped[int]
    side: Mapped[str]
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]
    variables: Mapped[dict[str, Any]]
    message: Mapped[str] = mapped_column(default="")
    content: Mapped[str]  # canonical JSON of what these terms say: parties, data, text, variables, template version
    document_sha256: Mapped[str]  # over `content`, byte for byte


class Acceptance(Base):
    """One party's assent to one version of the terms: who, for which organization, when, from where."""

    __tablename__ = "acceptance"

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    version: Mapped[int]
    side: Mapped[str]
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    member: Mapped[Member] = relationship(lazy="raise_on_sql")
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"))
    at: Mapped[datetime]
    remote: Mapped[str | None]  # the address it came from
    document_sha256: Mapped[str]  # of the canonical content assented to
    approval_reference: Mapped[str | None]
    approved_on: Mapped[date | None]
    signatory: Mapped[str | None]


class Approval(Base):
    """One administrator's approval of one version of the terms."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("contract_id", "acceptance_id", "member_id"),)

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"))
    acceptance_id: Mapped[str] = mapped_column(ForeignKey("acceptance.id"))  # returned and accepted anew: counted anew
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]


class Signature(Base):
    """A municipality's 記名押印 or electronic signature, which makes its contract final (地方自治法 234条5項).

    A scan or a signed PDF, or where the paper lies: reference, date and signatory.
    """

    __tablename__ = "contract_signature"
    __table_args__ = (CheckConstraint("kind IN ('paper','electronic')", name="kind"),)

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    version: Mapped[int]
    side: Mapped[str]
    kind: Mapped[str]
    reference: Mapped[str]
    signed_on: Mapped[date]
    signatory: Mapped[str]
    scan: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # PDF
    scan_sha256: Mapped[str | None]
    recorded_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]


class DeletionDuty(Base):
    """The buyer's duty to delete the data after the end: a deadline, then a statement that it was done."""

    __tablename__ = "deletion_duty"

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    contract: Mapped[Contract] = relationship(lazy="raise_on_sql", viewonly=True)
    due_on: Mapped[date] = mapped_column(index=True)
    reminded_at: Mapped[datetime | None]
    certified_at: Mapped[datetime | None]
    certified_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    certifier: Mapped[Member | None] = relationship(lazy="raise_on_sql")
    deleted_on: Mapped[date | None]
    method: Mapped[str] = mapped_column(default="")


class BuyerPolicy(Base):
    """Above which amount an owner must confirm what the organization requests; no row: never."""

    __tablename__ = "buyer_policy"
    __table_args__ = (CheckConstraint("confirm_above_jpy >= 0", name="positive"),)

    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    confirm_above_jpy: Mapped[int] = mapped_column(BigInteger)
    set_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    set_at: Mapped[datetime]


class Interest(Base):
    """An administrator's tie to an organization, as declared: they decide nothing that it is party to."""

    __tablename__ = "administrator_interest"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    declared_at: Mapped[datetime]


class ContractEvent(Base):
    """A step in a contract's life, with who took it and why."""

    __tablename__ = "contract_event"

    id: Mapped[Id]
    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), index=True)
    at: Mapped[datetime]
    deed: Mapped[str]
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    actor: Mapped[Member | None] = relationship(lazy="raise_on_sql")
    side: Mapped[str | None]  # None: by time
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int]


class SealedDocument(Base):
    """The document of a contract as it was printed and sealed when it became active.

    `sha256` is that of the canonical content of the version agreed on, which its `Round` keeps.
    """

    __tablename__ = "sealed_document"

    contract_id: Mapped[str] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    version: Mapped[int]
    sha256: Mapped[str]
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    pdf_sha256: Mapped[str]
    sealed_at: Mapped[datetime]


class NumberSeries(Base):
    """The last contract number given out in a year."""

    __tablename__ = "contract_number"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


# Evidence is written once. The tables below take rows and never give them up or change them.
_KEEP = """
CREATE OR REPLACE FUNCTION contract_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of %% are evidence and are not changed', TG_TABLE_NAME; END $$;
CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION contract_evidence_kept();
"""
for _evidence in (Round, Acceptance, Approval, Signature, ContractEvent, SealedDocument):
    event.listen(_evidence.__table__, "after_create", DDL(_KEEP.format(table=_evidence.__tablename__)))

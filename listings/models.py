"""Listings, their releases and files, what reading found in them, and wants."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    DDL,
    BigInteger,
    BindParameter,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    cast,
    event,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import UserDefinedType

from exchange.database import Base, Id
from exchange.errors import text
from exchange.identity.models import Member, Organization
from listings import rules


class SearchVector(UserDefinedType[str]):
    """A `tsvector` given in PostgreSQL's notation; written, searched, never read back."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TSVECTOR"

    def bind_expression(self, bindvalue: BindParameter[str]) -> ColumnElement[Any]:
        """Written as text, cast by the database."""
        return cast(type_coerce(bindvalue, String), TSVECTOR)


class Listing(Base):
    """A dataset on offer: its description, its class, who may see it, and a summary of its offers."""

    __tablename__ = "listing"
    __table_args__ = (
        CheckConstraint("state IN ('draft','submitted','published','withdrawn')", name="state"),
        CheckConstraint("visibility IN ('public','invited','organization')", name="visibility"),
        CheckConstraint("data_class NOT IN ('personal','sensitive','pseudonymized','my_number')", name="data_class"),
        CheckConstraint("period_start <= period_end", name="period"),
        CheckConstraint("state NOT IN ('submitted','published') OR data_class IS NOT NULL", name="classified"),
        Index("ix_listing_search", "search", postgresql_using="gin"),
        Index("ix_listing_published", "published_at", "id", postgresql_where="state = 'published'"),
        # The same form sent twice makes one listing.
        UniqueConstraint("provider_id", "form_id"),
    )

    id: Mapped[Id]
    provider_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    provider: Mapped[Organization] = relationship(lazy="raise_on_sql")
    form_id: Mapped[str | None]
    title: Mapped[str]
    summary: Mapped[str]
    description: Mapped[str]
    theme: Mapped[str]
    data_class: Mapped[str | None]  # chosen in a later step on the pages; always there once submitted
    update_frequency: Mapped[str]
    keywords: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    area_codes: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    licence: Mapped[str | None]
    source: Mapped[str]
    contact: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    visibility: Mapped[str] = mapped_column(default="public")
    state: Mapped[str] = mapped_column(default="draft")
    declared_at: Mapped[datetime | None]
    declared_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    # Told by contracts when offers change, for filters, sorting and the result list.
    pricing_models: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    price_from_jpy: Mapped[int | None] = mapped_column(BigInteger)
    price_text: Mapped[str] = mapped_column(default="")
    is_open: Mapped[bool] = mapped_column(default=False)

    # Derived from the files of the newest published release.
    formats: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    quality: Mapped[int | None]  # 0 to 100
    search: Mapped[str | None] = mapped_column(SearchVector(), deferred=True, deferred_raiseload=True)

    releases: Mapped[list["Release"]] = relationship(
        lazy="raise_on_sql", order_by="Release.number.desc()", back_populates="listing"
    )
    invitations: Mapped[list["Invitation"]] = relationship(lazy="raise_on_sql")


class Release(Base):
    """One version of a listing's files. Once published it never changes; the next version is a new release."""

    __tablename__ = "release"
    __table_args__ = (
        CheckConstraint("state IN ('draft','submitted','published')", name="state"),
        UniqueConstraint("listing_id", "number"),
        Index("uq_release_unpublished", "listing_id", unique=True, postgresql_where="state <> 'published'"),
    )

    id: Mapped[Id]
    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id"), index=True)
    listing: Mapped[Listing] = relationship(lazy="raise_on_sql", back_populates="releases")
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="draft")
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    files: Mapped[list["File"]] = relationship(lazy="raise_on_sql", order_by="File.id", back_populates="release")


class StoragePlace(Base):
    """A holder's own bucket under one prefix, and the way in: a role with an external id, or a sealed access key."""

    __tablename__ = "storage_place"
    __table_args__ = (
        CheckConstraint("state IN ('checking','usable','refused','closed')", name="state"),
        CheckConstraint(
            "CASE kind WHEN 'role' THEN role_arn IS NOT NULL AND external_id IS NOT NULL AND secret_sealed IS NULL"
            " WHEN 'key' THEN access_key IS NOT NULL AND (secret_sealed IS NOT NULL OR state = 'closed') ELSE false END",
            name="way_in",
        ),
        CheckConstraint("NOT is_logged OR (log_source IS NOT NULL AND log_location IS NOT NULL)", name="log"),
    )

    id: Mapped[Id]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    name: Mapped[str]
    kind: Mapped[str]  # role | key
    endpoint_url: Mapped[str | None]  # None: AWS's own
    region: Mapped[str]
    bucket: Mapped[str]
    prefix: Mapped[str]  # ends with /
    probe_key: Mapped[str]  # of an object under the prefix, that checks read
    role_arn: Mapped[str | None]
    external_id: Mapped[str | None]  # made by the exchange, another for each place
    access_key: Mapped[str | None]
    secret_sealed: Mapped[str | None]  # see exchange.vault
    accepts_wide: Mapped[bool] = mapped_column(default=False)  # its holder knows that the key can do more than it needs
    log_source: Mapped[str | None]
    log_location: Mapped[str | None]  # s3://bucket/prefix, read with the same keys
    log_read_at: Mapped[datetime | None]  # when it was last read to its end
    is_logged: Mapped[bool] = mapped_column(default=False)  # by the last check: what leaves can be counted
    state: Mapped[str] = mapped_column(default="checking")
    checks: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # [{check, found}], see listings.places
    checked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(ForeignKey("member.id"))


class File(Base):
    """A file of a release: where its bytes are, what they are, what reading found."""

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint("state IN ('uploading','reading','ready','refused')", name="state"),
        CheckConstraint("size >= 0", name="size"),
        CheckConstraint("state <> 'ready' OR (object_key IS NOT NULL AND sha256 IS NOT NULL)", name="ready"),
        Index("ix_file_place", "place_id", postgresql_where="place_id IS NOT NULL"),
    )

    id: Mapped[Id]
    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id"), index=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), index=True)
    release: Mapped[Release] = relationship(lazy="raise_on_sql", back_populates="files")
    name: Mapped[str]
    media_type: Mapped[str]  # what the provider believes, until reading finds what it is
    size: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="uploading")
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # why it was refused, translatable
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    removed_at: Mapped[datetime | None]  # taken out of a draft by its provider, or replaced

    upload_key: Mapped[str]
    multipart: Mapped[bool] = mapped_column(default=False)
    upload_id: Mapped[str | None]  # the store's name for an upload in parts, once begun
    read_attempts: Mapped[int] = mapped_column(default=0)

    # Managed storage (None), or the holder's own bucket, where the object stays and is known by version and ETag.
    place_id: Mapped[str | None] = mapped_column(ForeignKey("storage_place.id"))
    place: Mapped[StoragePlace | None] = relationship(lazy="raise_on_sql")
    version_id: Mapped[str | None]
    etag: Mapped[str | None]

    # In managed storage the immutable copy: named by version, never signed for writing.
    object_key: Mapped[str | None]
    sha256: Mapped[str | None]
    parquet_key: Mapped[str | None]
    parquet_size: Mapped[int | None] = mapped_column(BigInteger)
    parquet_sha256: Mapped[str | None]

    # What was read.
    format: Mapped[str | None]  # csv | tsv | xlsx | json | geojson | parquet | zip | …
    encoding: Mapped[str | None]
    delimiter: Mapped[str | None]
    header_row: Mapped[int | None]
    rows: Mapped[int | None] = mapped_column(BigInteger)
    columns: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # [{name, type, nullable, distinct, example, …}]
    sample: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # first rows as read, for the provider
    problems: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # what to mend, with addresses
    inside: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # sheets of a workbook, files of a ZIP: [{name, …}]
    scanned: Mapped[bool] = mapped_column(default=False)  # whether the content was understood and scanned
    quality: Mapped[int | None]

    # What the provider says of it and lets others see.
    column_notes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # name → description
    released_rows: Mapped[int] = mapped_column(default=0)  # how many sample rows anyone may see
    released_columns: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)

    recalled_at: Mapped[datetime | None]
    recall_reason: Mapped[str | None]

    findings: Mapped[list["Finding"]] = relationship(lazy="raise_on_sql", order_by="Finding.id")

    @property
    def reason(self) -> str | None:
        """Why it was refused, in the reader's language."""
        return str(text(self.refusal["message"], **self.refusal["values"])) if self.refusal else None

    @property
    def is_deliverable(self) -> bool:
        """Whether its bytes may go out: read, kept in its release, and not recalled."""
        return self.state == "ready" and self.removed_at is None and self.recalled_at is None

    @property
    def extension(self) -> str:
        """The ending of its name with the dot, or nothing."""
        return rules.extension(self.name)


# A published release never changes: the database itself refuses to touch what was delivered under a contract.
IMMUTABLE = """
CREATE OR REPLACE FUNCTION file_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM release WHERE id = OLD.release_id) = 'published' AND (
    TG_OP = 'DELETE' OR (NEW.sha256, NEW.size, NEW.name, NEW.release_id, NEW.removed_at, NEW.parquet_sha256, NEW.place_id)
      IS DISTINCT FROM (OLD.sha256, OLD.size, OLD.name, OLD.release_id, OLD.removed_at, OLD.parquet_sha256, OLD.place_id)
  ) THEN
    RAISE EXCEPTION 'files of a published release never change';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER file_immutable BEFORE UPDATE OR DELETE ON file FOR EACH ROW EXECUTE FUNCTION file_immutable();
"""
event.listen(File.__table__, "after_create", DDL(IMMUTABLE))


class Finding(Base):
    """Values that look like personal data in a column of a file, and the provider's answer."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("file_id", "kind", "column"),)

    id: Mapped[Id]
    file_id: Mapped[str] = mapped_column(ForeignKey("file.id"), index=True)
    kind: Mapped[str]
    column: Mapped[str] = mapped_column(default="")
    count: Mapped[int] = mapped_column(BigInteger)
    samples: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # masked
    answer: Mapped[str | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    answered_at: Mapped[datetime | None]


class Invitation(Base):
    """An organization that may see a listing shown to invited organizations alone."""

    __tablename__ = "invitation"

    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True, index=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    at: Mapped[datetime]


class ListingEvent(Base):
    """One deed in a listing's life, for its timeline."""

    __tablename__ = "listing_event"

    id: Mapped[Id]
    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id"), index=True)
    release_id: Mapped[str | None] = mapped_column(ForeignKey("release.id"))
    file_id: Mapped[str | None] = mapped_column(ForeignKey("file.id"))
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    actor: Mapped[Member | None] = relationship(lazy="raise_on_sql")
    deed: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")


class Want(Base):
    """Data that someone looks for: what, for which purpose, where, until when."""

    __tablename__ = "want"
    __table_args__ = (
        CheckConstraint("state IN ('open','closed')", name="state"),
        Index("ix_want_open", "theme", postgresql_where="state = 'open'"),
        UniqueConstraint("organization_id", "form_id"),
    )

    id: Mapped[Id]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    form_id: Mapped[str | None]
    title: Mapped[str]
    purpose: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    theme: Mapped[str]
    area_codes: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    until: Mapped[date]
    state: Mapped[str] = mapped_column(default="open")
    created_at: Mapped[datetime]
    joins: Mapped[list["WantJoin"]] = relationship(lazy="raise_on_sql", order_by="WantJoin.at")
    answers: Mapped[list["WantAnswer"]] = relationship(lazy="raise_on_sql", order_by="WantAnswer.id")


class WantJoin(Base):
    """An organization that wants the same."""

    __tablename__ = "want_join"

    want_id: Mapped[str] = mapped_column(ForeignKey("want.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class WantAnswer(Base):
    """A holder's answer to a want: a listing, a date, or a no with its reason."""

    __tablename__ = "want_answer"
    __table_args__ = (
        CheckConstraint("kind IN ('listing','date','no')", name="kind"),
        CheckConstraint("kind <> 'listing' OR listing_id IS NOT NULL", name="listing"),
        CheckConstraint("kind <> 'date' OR planned_on IS NOT NULL", name="date"),
        CheckConstraint("kind <> 'no' OR message <> ''", name="reason"),
    )

    id: Mapped[Id]
    want_id: Mapped[str] = mapped_column(ForeignKey("want.id"), index=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[str]
    listing_id: Mapped[str | None] = mapped_column(ForeignKey("listing.id"))
    listing: Mapped[Listing | None] = relationship(lazy="raise_on_sql")
    planned_on: Mapped[date | None]
    message: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]

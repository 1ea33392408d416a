"""What can be asked about who takes part."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.orm import raiseload

from exchange import clock
from exchange.database import Entity, Moment, Page, Quick, as_loaded, page, session
from exchange.errors import NotFound
from exchange.identity.models import ApiToken, Member, Notice, Organization

LAST_USED_EVERY = timedelta(minutes=1)


def organization(organization_id: str) -> Organization:
    """An organization by id; raises `NotFound`."""
    found = session.get(Organization, organization_id)
    if found is None:
        raise NotFound()
    return found


def organizations(*, state: str | None = None) -> list[Organization]:
    """Every organization but the operator, the newest first; of one state if asked."""
    query = select(Organization).where(Organization.kind != "operator")
    if state:
        query = query.where(Organization.state == state)
    return list(session.scalars(query.order_by(Organization.id.desc())))


def organizations_by_id(ids: list[str]) -> dict[str, Organization]:
    """Organizations by id; those unknown are missing."""
    return {o.id: o for o in session.scalars(select(Organization).where(Organization.id.in_(ids)))}


def operator_organization() -> Organization | None:
    """The organization that runs the exchange, once its first administrator was made."""
    return session.scalars(select(Organization).where(Organization.kind == "operator")).first()


def member(member_id: str) -> Member | None:
    """A member by id, unless removed."""
    found = session.get(Member, member_id)
    return found if found and found.removed_at is None else None


def member_by_email(email: str) -> Member | None:
    """A member by mail address, in any case of letters, unless removed."""
    query = select(Member).where(func.lower(Member.email) == email.strip().lower(), Member.removed_at.is_(None))
    return session.scalars(query).first()


def members_of(organization_id: str, *roles: str) -> list[Member]:
    """The members of an organization, of one of the roles if any are named."""
    query = select(Member).where(Member.organization_id == organization_id, Member.removed_at.is_(None))
    if roles:
        query = query.where(Member.roles.overlap(list(roles)))
    return list(session.scalars(query.order_by(Member.id)))


def members_by_organization(organization_ids: Iterable[str], *roles: str) -> dict[str, list[Member]]:
    """The members of several organizations, of one of the roles if any are named."""
    query = select(Member).where(Member.organization_id.in_(organization_ids), Member.removed_at.is_(None))
    if roles:
        query = query.where(Member.roles.overlap(list(roles)))
    found: dict[str, list[Member]] = {}
    for each in session.scalars(query.order_by(Member.id)):
        found.setdefault(each.organization_id, []).append(each)
    return found


def operators(*roles: str) -> list[Member]:
    """Members of the operator, of one of the roles if any are named."""
    query = select(Member).join(Organization, Organization.id == Member.organization_id)
    query = query.where(Organization.kind == "operator", Member.removed_at.is_(None))
    if roles:
        query = query.where(Member.roles.overlap(list(roles)))
    return list(session.scalars(query.order_by(Member.id)))


def names_of(member_ids: set[str]) -> dict[str, str]:
    """Names of members by id, for histories."""
    rows = session.execute(select(Member.id, Member.name).options(raiseload("*")).where(Member.id.in_(member_ids)))
    return {row.id: row.name for row in rows}


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Holder:
    """Who holds an API token: as much of a member as most rules ask for; `member` is the whole."""

    __slots__ = (
        "_row",
        "id",
        "is_operator",
        "may_bind",
        "organization_id",
        "roles",
        "second_factor_exempt",
        "token_id",
        "totp_confirmed_at",
        "version",
    )

    def __init__(self, row: Any) -> None:
        self._row = row
        self.token_id: str = row.ApiToken_id
        self.version: str = row.version  # of the rows of token, member and organization
        self.id: str = row.Member_id
        self.organization_id: str = row.Member_organization_id
        self.roles: list[str] = row.Member_roles
        self.may_bind: bool = row.Member_may_bind
        self.second_factor_exempt: bool = row.Member_second_factor_exempt
        self.totp_confirmed_at: datetime | None = row.Member_totp_confirmed_at
        self.is_operator: bool = row.Organization_kind == "operator"

    @property
    def member(self) -> Member:
        """The member as the session would have loaded it, without asking the database again."""
        return _loaded(Member, self._row, organization=_loaded(Organization, self._row))

    def is_good(self, now: datetime) -> bool:
        """Whether the token is neither expired nor revoked nor its holder gone."""
        row = self._row
        return not row.ApiToken_revoked_at and row.ApiToken_expires_at > now and not row.Member_removed_at

    def is_noted(self, now: datetime) -> bool:
        """Whether its use within the last minute stands in the database."""
        last: datetime | None = self._row.ApiToken_last_used_at
        return last is not None and now - last <= LAST_USED_EVERY


def holder_by_secret(secret: str) -> Holder | None:
    """Who holds the API token of that secret, if it is neither expired nor revoked nor its holder gone."""
    rows = _TOKEN(digest=digest(secret))
    now = clock.real_now()
    if not rows or not (holder := Holder(rows[0])).is_good(now):
        return None
    if not holder.is_noted(now):
        _USED(id=holder.token_id, at=now)
    return holder


# Every API request begins with this one; loaded by the ORM it took half a millisecond.
_TOLD = [
    (entity, column)
    for entity, columns in (
        (Organization, Organization.__table__.columns),
        (Member, Member.__table__.columns),
        (ApiToken, [ApiToken.__table__.columns[key] for key in ("id", "expires_at", "revoked_at", "last_used_at")]),
    )
    for column in columns
]
_TOKEN = Quick(
    select(*(column.label(f"{entity.__name__}_{column.key}") for entity, column in _TOLD))
    .add_columns(literal_column("concat_ws(' ', api_token.xmin, member.xmin, organization.xmin)").label("version"))
    .select_from(ApiToken)
    .join(Member, Member.id == ApiToken.member_id)
    .join(Organization, Organization.id == Member.organization_id)
    .where(ApiToken.digest == bindparam("digest"))
)
_USED = Quick("UPDATE api_token SET last_used_at = %(at)s WHERE id = %(id)s")


def _loaded(entity: type[Entity], row: Any, **related: Any) -> Entity:
    values = {
        column.key: _moment(value) if isinstance(column.type, Moment) else value
        for (of, column), value in zip(_TOLD, row, strict=False)
        if of is entity
    }
    return as_loaded(entity, values | related)


def _moment(value: datetime | None) -> datetime | None:
    return value.astimezone(clock.JST) if value else None


def tokens_of(member: Member) -> list[ApiToken]:
    """A member's API tokens, the newest first."""
    query = select(ApiToken).where(ApiToken.member_id == member.id)
    return list(session.scalars(query.order_by(ApiToken.id.desc())))


def notices_of(member: Member, *, limit: int = 20, cursor: str | None = None) -> Page[Notice]:
    """What a member was told, the newest first."""
    return page(select(Notice).where(Notice.member_id == member.id), Notice.id, limit=limit, cursor=cursor)


def unread_count(member: Member) -> int:
    """How many notices a member has not read."""
    query = select(func.count()).select_from(Notice).where(Notice.member_id == member.id, Notice.read_at.is_(None))
    return session.scalar(query) or 0


def tokens_used_since(at: datetime) -> int:
    """How many API tokens were used since."""
    return session.scalar(select(func.count()).select_from(ApiToken).where(ApiToken.last_used_at >= at)) or 0

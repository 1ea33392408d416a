"""Delta Sharing profiles: issued for one contract, shown once, good while data is due under it."""

from __future__ import annotations

import secrets
from datetime import datetime, time, timedelta

from contracts.models import Contract
from delivery import actions, queries, rules
from delivery.models import SharingProfile
from exchange import audit, clock, database
from exchange.database import new_id, session
from exchange.errors import Forbidden, NotFound, Unauthorized, text
from exchange.identity import throttle
from exchange.identity.models import Member
from exchange.identity.queries import digest

GOOD_FOR = timedelta(days=365)  # where the contract has no end
REQUESTS_PER_MINUTE = 1_200
LAST_USED_EVERY = timedelta(minutes=1)


def issue_profile(contract: Contract, *, by: Member, at: datetime) -> tuple[SharingProfile, str]:
    """A new profile in the place of the one before, and its token, which is shown once and never kept.

    Good until the contract ends, for a year where it has no end. Refuses as `actions.issue_links` does.
    """
    actions.must_be_due(contract, by=by, at=at)
    actions.must_be_secure(contract.id, contract.variables, by=by)
    database.lock(f"profile/{contract.id}")
    before = queries.profile_of(contract.id)
    if before is not None:
        before.revoked_at = at
        session.flush()  # before the new row, which takes its place in the index
    secret = "nkd_share_" + secrets.token_urlsafe(32)
    profile = SharingProfile(
        id=new_id(),
        contract_id=contract.id,
        member_id=by.id,
        digest=digest(secret),
        issued_at=at,
        expires_at=_ends_at(contract, at) - actions.clock_ahead(),
    )
    session.add(profile)
    session.flush()
    _record("contract.profile", contract, profile, by=by, at=at)
    return profile, secret


def _ends_at(contract: Contract, at: datetime) -> datetime:
    if contract.ends_on is None:
        return at + GOOD_FOR
    return datetime.combine(contract.ends_on + timedelta(days=1), time(), clock.JST)


def revoke_profile(contract: Contract, *, by: Member, at: datetime) -> None:
    """End a contract's profile, and every link drawn with it that still runs.

    Refuses others than the buyer's owners and data officers (`Forbidden`); `NotFound` when there is none.
    """
    if contract.buyer_id != by.organization_id or not rules.may_receive(by):
        raise Forbidden(text("共有プロファイルを取り消せるのは、契約の利用者の責任者とデータ担当です。"))
    profile = queries.profile_of(contract.id)
    if profile is None:
        raise NotFound(text("この契約に、有効な共有プロファイルはありません。"))
    profile.revoked_at = at
    session.flush()
    _record("contract.profile.revoke", contract, profile, by=by, at=at)


def _record(deed: str, contract: Contract, profile: SharingProfile, *, by: Member, at: datetime) -> None:
    detail = {"profile": profile.id, "expires_at": profile.expires_at.isoformat()}
    organization = by.organization_id
    audit.record(deed, actor=by.id, subject=f"contract/{contract.id}", at=at, organization=organization, detail=detail)


def enter(secret: str | None, *, at: datetime) -> SharingProfile:
    """The profile of a token, for a request under its contract.

    Refuses tokens that are unknown, revoked, expired or whose holder left (`Unauthorized`), more than 1,200 requests a
    minute (`TooMany`), and whatever `actions.issue_links` refuses of the contract and the holder's roles.
    """
    profile = queries.profile_by_secret(secret) if secret else None
    if profile is None or profile.expires_at <= at - actions.clock_ahead() or profile.member.removed_at:
        raise Unauthorized(text("共有プロファイルのトークンが正しくないか、期限切れか、取り消されています。"))
    throttle.take(f"profile/{profile.id}", limit=REQUESTS_PER_MINUTE)
    actions.must_be_due(profile.contract, by=profile.member, at=at)
    if profile.last_used_at is None or at - profile.last_used_at > LAST_USED_EVERY:
        profile.last_used_at = at
    return profile


def draw(profile: SharingProfile, file_id: str, *, remote: str | None, at: datetime) -> actions.Link:
    """A link to the Parquet form of a file in a share, as long as links live: a client cannot ask anew while it reads.

    Refuses as `actions.issue_links` does.
    """
    is_strict = rules.is_strict(profile.contract.variables)
    return actions.issue_link(
        profile.contract_id,
        file_id,
        variant="parquet",
        expires_in=rules.LIFETIME_SECONDS_MAX_STRICT if is_strict else rules.LIFETIME_SECONDS_MAX,
        token_id=profile.id,
        remote=remote,
        by=profile.member,
        at=at,
    )

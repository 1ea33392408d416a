"""What people can do about who takes part."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import insert, update

from exchange import audit, mail
from exchange.config import config
from exchange.database import new_id, session
from exchange.errors import Invalid, NotFound, Words, text
from exchange.identity import queries, rules
from exchange.identity.models import ApiToken, Member, Notice, OneTimeLink, Organization

PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 10, 200
TOKEN_DAYS_MAX = 366
TOKENS_MAX = 50

# argon2id with the library's own defaults (RFC 9106, low-memory profile).
_hasher = PasswordHasher()


def password_hash(password: str) -> str:
    """The argon2id hash of a password; raises `Invalid` when it is too short or too long."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        message = text(
            "パスワードは%(min)s文字以上%(max)s文字以内にしてください。",
            min=PASSWORD_LENGTH_MIN,
            max=PASSWORD_LENGTH_MAX,
        )
        raise Invalid({"password": [message]})
    return _hasher.hash(password)


def password_fits(member: Member | None, password: str) -> bool:
    """Whether a password is the member's; takes as long for nobody as for somebody."""
    try:
        return _hasher.verify(member.password_hash if member and member.password_hash else _nobody(), password)
    except (Argon2Error, InvalidHashError):
        return False


def _nobody() -> str:
    global _nobody_hash
    if not _nobody_hash:
        _nobody_hash = _hasher.hash(secrets.token_urlsafe(32))
    return _nobody_hash


_nobody_hash = ""


def set_password(member: Member, password: str, *, at: datetime) -> None:
    """Give a member a new password; every session and unused link of theirs ends."""
    member.password_hash = password_hash(password)
    member.session_stamp = secrets.token_urlsafe(12)
    unused = update(OneTimeLink).where(OneTimeLink.member_id == member.id, OneTimeLink.used_at.is_(None))
    session.execute(unused.values(used_at=at))
    audit.record("member.set_password", actor=member.id, subject=f"member/{member.id}", at=at)


def issue_token(member: Member, *, name: str, days: int, at: datetime) -> tuple[ApiToken, str]:
    """A new API token and its secret, which is shown once and never kept."""
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise Invalid({"days": [text("有効期間は1日から%(max)s日までです。", max=TOKEN_DAYS_MAX)]})
    if not name.strip() or len(name) > 100:
        raise Invalid({"name": [text("名前は1文字以上100文字以内で入力してください。")]})
    if sum(1 for t in queries.tokens_of(member) if t.revoked_at is None and t.expires_at > at) >= TOKENS_MAX:
        raise Invalid(
            {"name": [text("有効なトークンは%(max)s個までです。使わないものを取り消してください。", max=TOKENS_MAX)]}
        )
    secret = "nkd_" + secrets.token_urlsafe(32)
    token = ApiToken(
        id=new_id(),
        member_id=member.id,
        member=member,
        name=name.strip(),
        digest=queries.digest(secret),
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    session.add(token)
    audit.record(
        "token.issue", actor=member.id, subject=f"token/{token.id}", at=at, organization=member.organization_id
    )
    return token, secret


def revoke_token(token_id: str, *, by: Member, at: datetime) -> ApiToken:
    """End one's own API token, from this moment on."""
    token = next((t for t in queries.tokens_of(by) if t.id == token_id), None)
    if token is None:
        raise NotFound()
    if token.revoked_at is None:
        token.revoked_at = at
        audit.record("token.revoke", actor=by.id, subject=f"token/{token.id}", at=at, organization=by.organization_id)
    return token


def notify(
    *, organization_id: str, title: Words, body: Words, path: str, at: datetime, roles: Sequence[str] = ()
) -> None:
    """Tell the members of an organization (of these roles, if any) on their desk and by mail."""
    _tell(queries.members_of(organization_id, *roles), title, body, path, at)


def notify_operators(*, title: Words, body: Words, path: str, at: datetime, roles: Sequence[str] = ()) -> None:
    """Tell the administrators of these roles on their desk and by mail."""
    _tell(queries.operators(*roles), title, body, path, at)


def _tell(members: Sequence[Member], title: Words, body: Words, path: str, at: datetime) -> None:
    for member in members:
        session.add(Notice(member_id=member.id, title=str(title), body=str(body), path=path, at=at))
        mail.send(to=member.email, subject=f"【仲立ち】{title}", body=f"{body}\n\n{config().url}{path}\n", at=at)


@dataclass(frozen=True)
class Word:
    """What the members of one organization are told."""

    organization_id: str
    title: Words
    body: Words
    path: str


def notify_each(words: Sequence[Word], *, roles: Sequence[str], at: datetime) -> None:
    """Tell many organizations at once, as `notify` tells one, in three statements however many they are."""
    members = queries.members_by_organization({word.organization_id for word in words}, *roles)
    told = [(word, member) for word in words for member in members.get(word.organization_id, [])]
    if not told:
        return
    notices = [
        {"id": new_id(), "member_id": m.id, "title": str(w.title), "body": str(w.body), "path": w.path, "at": at}
        for w, m in told
    ]
    session.execute(insert(Notice), notices)
    mail.send_each([(m.email, f"【仲立ち】{w.title}", f"{w.body}\n\n{config().url}{w.path}\n") for w, m in told], at=at)


def verify_organization(organization: Organization, *, by: Member, at: datetime) -> None:
    """organization: pending or suspended → verified. An administrator has checked who it is."""
    organization.state, organization.verified_at = "verified", at
    audit.record("organization.verify", actor=by.id, subject=f"organization/{organization.id}", at=at)
    notify(
        organization_id=organization.id,
        roles=["owner"],
        title=text("組織の確認が完了しました"),
        body=text("データの掲載と契約の申込みができるようになりました。"),
        path="/desk",
        at=at,
    )


def new_member(
    organization: Organization, *, email: str, name: str, roles: Sequence[str], may_bind: bool, at: datetime
) -> Member:
    """A member without a password yet; raises `Invalid` when the address is taken or a role unknown."""
    known = rules.OPERATOR_ROLES if organization.kind == "operator" else rules.MEMBER_ROLES
    if not roles or not set(roles) <= set(known):
        raise Invalid({"roles": [text("役割を選んでください。")]})
    if queries.member_by_email(email):
        raise Invalid({"email": [text("このメールアドレスは登録できません。")]})
    member = Member(
        id=new_id(),
        email=email.strip(),
        name=name.strip(),
        organization=organization,
        organization_id=organization.id,
        roles=list(roles),
        may_bind=may_bind,
        session_stamp=secrets.token_urlsafe(12),
        created_at=at,
    )
    session.add(member)
    return member


LINK_LIFETIME = timedelta(days=3)


def one_time_link(member: Member, purpose: str, *, at: datetime, lifetime: timedelta = LINK_LIFETIME) -> str:
    """The path of a link that proves one thing once (`confirm`, `reset`, `welcome`); only its digest is kept."""
    secret = secrets.token_urlsafe(32)
    session.add(
        OneTimeLink(member_id=member.id, purpose=purpose, digest=queries.digest(secret), expires_at=at + lifetime)
    )
    return f"/{purpose}/{secret}"


def create_administrator(*, email: str, name: str, at: datetime) -> str:
    """An administrator with every role, the operator's organization with the first; the one-time link to begin with."""
    operator = queries.operator_organization()
    if operator is None:
        operator = Organization(
            id=new_id(),
            name="運営事務局",
            name_en="Exchange operator",
            kind="operator",
            state="verified",
            created_at=at,
            verified_at=at,
        )
        session.add(operator)
    member = new_member(operator, email=email, name=name, roles=rules.OPERATOR_ROLES, may_bind=False, at=at)
    member.confirmed_at = at
    session.flush()
    audit.record("administrator.create", actor=None, subject=f"member/{member.id}", at=at)
    return config().url + one_time_link(member, "welcome", at=at)

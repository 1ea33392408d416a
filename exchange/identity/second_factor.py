"""The second factor: time-based one-time passwords (RFC 6238) and recovery codes.

    off ──begin──> prepared ──confirm(code)──> on ──remove(password)──> off

A code is good once: the time step it belongs to is kept, and neither that step nor an earlier one is taken again.
Recovery codes hold 80 random bits, so a plain SHA-256 of each is kept; each is struck out when used.
"""

import secrets
from datetime import datetime
from typing import Protocol

import pyotp
from sqlalchemy import select

from exchange import audit
from exchange.config import config
from exchange.database import ALPHABET, session
from exchange.errors import N_, Conflict, Forbidden, Invalid, text
from exchange.identity import actions, queries, rules
from exchange.identity.models import Member

STEP_SECONDS = 30
STEPS_AROUND = 1  # a clock may be half a minute off either way
RECOVERY_CODES = 10
RECOVERY_LENGTH = 16
ISSUER = "Nakadachi"

WRONG = N_("確認コードが正しくありません。アプリに表示されている最新の6桁を入力してください。")


class Protected(Protocol):
    """Whoever may have a second factor."""

    totp_confirmed_at: datetime | None
    second_factor_exempt: bool


def is_on(member: Protected) -> bool:
    """Whether sign-in asks this member for a code."""
    return member.totp_confirmed_at is not None


def is_demanded(member: Member) -> bool:
    """Whether a member may not sign in without a second factor: administrators, except those of the demo market.

    The exemption is a mark that only the demo sets. The database takes it for addresses of the demo's domain alone,
    which no mail reaches, and it counts only where a demo is allowed at all.
    """
    return member.is_operator and not (member.second_factor_exempt and config().demo)


def satisfies(member: Protected) -> bool:
    """Whether a member signs in with a second factor, or is of the demo market, whose members may do without."""
    return is_on(member) or (member.second_factor_exempt and config().demo)


def begin(member: Member) -> str:
    """off → prepared. The secret to scan; asked again before it is confirmed, the same one."""
    if is_on(member):
        raise Conflict(text(N_("二段階認証はすでに有効です。")))
    if not member.totp_secret:
        member.totp_secret = pyotp.random_base32()
        session.flush()
    return member.totp_secret


def provisioning_uri(member: Member) -> str:
    """What an authenticator app scans."""
    return pyotp.TOTP(member.totp_secret or "").provisioning_uri(name=member.email, issuer_name=ISSUER)


def confirm(member: Member, code: str, *, at: datetime) -> list[str]:
    """prepared → on. The recovery codes, which are shown once; raises `Invalid` unless the code fits."""
    _locked(member)
    if is_on(member):
        raise Conflict(text(N_("二段階認証はすでに有効です。")))
    if not member.totp_secret or not _take_step(member, code, at):
        raise Invalid({"code": [text(WRONG)]})
    member.totp_confirmed_at = at
    _record("second_factor.confirm", member, at)
    return renew_recovery_codes(member, at=at)


def renew_recovery_codes(member: Member, *, at: datetime) -> list[str]:
    """New recovery codes, shown once; earlier ones are void."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    member.recovery_hashes = [queries.digest(code) for code in codes]
    _record("second_factor.recovery_codes", member, at)
    return ["-".join(code[i : i + 4] for i in range(0, RECOVERY_LENGTH, 4)) for code in codes]


def passes(member: Member, code: str, *, at: datetime) -> bool:
    """Use up a code of the app, or one of the recovery codes; False when it is neither, or was used before."""
    _locked(member)
    written = rules.tidy_number(code).lower()
    if len(written) == RECOVERY_LENGTH:
        return _strike_out(member, written, at)
    return is_on(member) and _take_step(member, written, at)


def remove(member: Member, *, password: str, at: datetime) -> None:
    """on → off, for those who may do without; raises `Invalid` on a wrong password."""
    if is_demanded(member):
        raise Forbidden(text(N_("運営者は二段階認証を解除できません。")))
    if not actions.password_fits(member, password):
        raise Invalid({"password": [text(N_("パスワードが正しくありません。"))]})
    member.totp_secret = member.totp_confirmed_at = None
    member.recovery_hashes = []
    _record("second_factor.remove", member, at)


def _take_step(member: Member, code: str, at: datetime) -> bool:
    now = int(at.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(member.totp_secret or "")
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        fits = secrets.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if fits and step > (member.totp_last_step or 0):
            member.totp_last_step = step
            return True
    return False


def _strike_out(member: Member, code: str, at: datetime) -> bool:
    used = queries.digest(code)
    if used not in member.recovery_hashes:
        return False
    member.recovery_hashes = [kept for kept in member.recovery_hashes if kept != used]
    _record("second_factor.recover", member, at)
    return True


def _locked(member: Member) -> None:
    # Two requests with one code must not both find it unused.
    session.scalars(
        select(Member)
        .where(Member.id == member.id)
        .with_for_update(of=Member)
        .execution_options(populate_existing=True)
    ).one()


def _record(deed: str, member: Member, at: datetime) -> None:
    subject = f"member/{member.id}"
    audit.record(deed, actor=member.id, subject=subject, at=at, organization=member.organization_id)

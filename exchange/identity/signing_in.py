"""How often someone may try to sign in: per account and per address, counted in rows that survive a refusal.

A try is written down before the password is looked at, so that a hundred tries at once are a hundred rows; what went
well is struck out again. Accounts that do not exist are counted like those that do, so that nobody learns which do.
"""

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy import text as sql

from exchange import audit, database
from exchange.database import lock_number, new_id
from exchange.errors import N_, TooMany, text
from exchange.identity.models import Member, OneTimeLink, SignInFailure

WINDOW = timedelta(minutes=15)
FAILURES_PER_ACCOUNT = 10
FAILURES_PER_ADDRESS = 100
KEPT_FOR = timedelta(days=1)


def begin(email: str, address: str, *, at: datetime) -> str:
    """Note a try, whatever becomes of it; its id. Raises `TooMany` when an account or address has too many failures."""
    account, network = email.strip().lower()[:254], network_of(address)
    with database.own_transaction() as beside:
        beside.execute(sql("SELECT pg_advisory_xact_lock(:n)"), {"n": lock_number(f"sign-in/{account}")})
        for column, value, limit in (
            (SignInFailure.email, account, FAILURES_PER_ACCOUNT),
            (SignInFailure.address, network, FAILURES_PER_ADDRESS),
        ):
            query = select(func.count(), func.min(SignInFailure.at)).where(
                column == value, SignInFailure.at > at - WINDOW
            )
            count, oldest = beside.execute(query).one()
            if count >= limit:
                raise _too_many(oldest, at)
        attempt_id = new_id()
        beside.add(SignInFailure(id=attempt_id, email=account, address=network, at=at))
    return attempt_id


def _too_many(oldest: datetime, at: datetime) -> TooMany:
    seconds = max(1, int((oldest + WINDOW - at).total_seconds()) + 1)
    return TooMany(
        text(
            N_(
                "サインインの失敗が続いたため、一時的に受け付けを止めています。約%(minutes)s分後にもう一度お試しいただくか、"
                "パスワードを再設定してください。"
            ),
            minutes=-(-seconds // 60),
        ),
        retry_after=seconds,
    )


def network_of(address: str) -> str:
    """What a limit counts as one address: an IPv4 address, or the /64 that one household of IPv6 has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def went_well(attempt_id: str) -> None:
    """Strike one try out: the password was right, though a second factor is still to come."""
    with database.own_transaction() as beside:
        beside.execute(delete(SignInFailure).where(SignInFailure.id == attempt_id))


def forget_failures(member: Member) -> None:
    """Strike out every failure of an account: someone proved to be its holder."""
    with database.own_transaction() as beside:
        beside.execute(delete(SignInFailure).where(SignInFailure.email == member.email.lower()))


def record(member: Member, *, address: str, at: datetime) -> None:
    """Write a completed sign-in into the audit log."""
    audit.record(
        "member.sign_in",
        actor=member.id,
        subject=f"member/{member.id}",
        organization=member.organization_id,
        at=at,
        detail={"address": address},
    )


def forget_old(*, at: datetime) -> None:
    """Drop failures after a day, and one-time links a month after they ended."""
    database.session.execute(delete(SignInFailure).where(SignInFailure.at < at - KEPT_FOR))
    database.session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < at - timedelta(days=30)))

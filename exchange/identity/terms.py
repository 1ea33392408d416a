"""The exchange's own terms: which version is in force, and who accepted which, when, from where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select

from exchange import audit
from exchange.database import session
from exchange.errors import N_, Forbidden, Invalid, text
from exchange.identity.models import Member


@dataclass(frozen=True)
class Terms:
    """One published text. Earlier versions stay readable under their number."""

    key: str
    title: str
    path: str
    version: int
    since: date


class TermsNotAccepted(Forbidden):
    """No owner has accepted the exchange's terms in force for the organization yet: no new listings, no new deals."""

    title_ja = N_("改定された規約への同意が必要です")


# A new version is a new number here, and its text: files in templates/legal/<key>/, or a writer in `exchange.web.legal`.
# Earlier texts stay where they are.
IN_FORCE = {
    "providers": Terms("providers", N_("データ提供者規約"), "/terms/providers", 2, date(2026, 11, 25)),
    "users": Terms("users", N_("データ利用者規約"), "/terms/users", 2, date(2026, 11, 25)),
    "privacy": Terms("privacy", N_("プライバシーポリシー"), "/privacy", 1, date(2026, 11, 24)),
}


def accept(member: Member, keys: Sequence[str], *, address: str, at: datetime) -> None:
    """Keep that a member accepted the versions in force; raises `Invalid` unless it is all of them."""
    if missing := [key for key in IN_FORCE if key not in keys]:
        raise Invalid(
            {"accept_terms": [text(N_("規約とプライバシーポリシーをお読みのうえ、同意してください。"))]},
            missing=missing,
        )
    accepted = {
        key: {"version": terms.version, "at": at.isoformat(), "address": address} for key, terms in IN_FORCE.items()
    }
    member.terms_accepted = {**(member.terms_accepted or {}), **accepted}
    versions = {key: terms.version for key, terms in IN_FORCE.items()}
    audit.record("terms.accept", actor=member.id, subject=f"member/{member.id}", at=at, detail=versions)


def outdated(member: Member) -> list[Terms]:
    """The texts of which a member has not accepted the version in force; the operator's own people accept none."""
    if member.is_operator:
        return []
    accepted = member.terms_accepted or {}
    return [t for key, t in IN_FORCE.items() if accepted.get(key, {}).get("version") != t.version]


def accepted_by(organization_id: str, key: str) -> bool:
    """Whether an owner accepted the version in force for the organization; it stands when that owner has left since."""
    accepted = Member.terms_accepted[(key, "version")].as_integer() == IN_FORCE[key].version
    owner = (Member.organization_id == organization_id) & Member.roles.contains(["owner"])
    return bool(session.scalar(select(exists().where(owner, accepted))))


def require(organization_id: str, key: str) -> None:
    """Refuse new listings and new deals until an owner has accepted the terms in force; raises `TermsNotAccepted`."""
    if not accepted_by(organization_id, key):
        raise TermsNotAccepted(
            text(
                N_(
                    "「%(title)s」が改定されました。組織の責任者がマイデスクで改定された規約に同意すると、新しい掲載と契約ができます。"
                ),
                title=text(IN_FORCE[key].title),
            )
        )

"""The exchange's own terms: which version is in force, and who accepted which, when, from where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from exchange import audit
from exchange.errors import N_, Invalid, text
from exchange.identity.models import Member


@dataclass(frozen=True)
class Terms:
    """One published text. Earlier versions stay readable under their number."""

    key: str
    title: str
    path: str
    version: int
    since: date


# A new version is a new file in templates/legal/<key>/ and a new number here; the old file stays.
IN_FORCE = {
    "providers": Terms("providers", N_("データ提供者規約"), "/terms/providers", 1, date(2026, 11, 24)),
    "users": Terms("users", N_("データ利用者規約"), "/terms/users", 1, date(2026, 11, 24)),
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
    """The texts of which a member accepted an earlier version than the one in force."""
    accepted = member.terms_accepted or {}
    return [t for key, t in IN_FORCE.items() if key in accepted and accepted[key].get("version") != t.version]

"""Looking after an organization: its data, its account for payouts, its members; and whether it may take part.

pending ──verify──> verified ──(see hearings)──> suspended ──verify──> verified
   └──suspend──> suspended
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Exists, exists, func, select

from exchange import audit, database
from exchange.database import session
from exchange.errors import N_, Conflict, Forbidden, Invalid, NotFound, Words, WrongState, text
from exchange.identity import actions, bank_accounts, hearings, queries, rules
from exchange.identity.joining import length_errors
from exchange.identity.models import Member, Organization

REASON_LENGTH_MAX = 1_000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What an owner may change without a new check of identity."""

    name_en: str
    address: str
    representative: str
    introduction: str
    registration_number: str


def save_profile(organization: Organization, profile: Profile, *, by: Member, at: datetime) -> None:
    """Keep an organization's own data. A new registration number has to be looked up by an administrator again."""
    _may(by, organization, rules.may_manage_members(by))
    number = rules.tidy_number(profile.registration_number)
    errors = rules.number_errors(
        organization.kind,
        corporate_number=organization.corporate_number or "",
        municipality_code=organization.municipality_code or "",
        registration_number=number,
    )
    errors = {field: words for field, words in errors.items() if field == "registration_number"}
    errors |= length_errors(
        {
            "name_en": (profile.name_en, 0, 200, N_("英語の名称は200文字以内で入力してください。")),
            "address": (profile.address, 1, 300, N_("所在地を300文字以内で入力してください。")),
            "representative": (
                profile.representative,
                1,
                100,
                N_("代表者の役職と氏名を100文字以内で入力してください。"),
            ),
            "introduction": (profile.introduction, 0, 2000, N_("紹介文は2000文字以内で入力してください。")),
        }
    )
    if errors:
        raise Invalid(errors)
    if number != (organization.registration_number or ""):
        organization.registration_number = number or None
        organization.registration_valid_from = organization.registration_valid_until = None
    organization.name_en = profile.name_en or None
    organization.address, organization.representative = profile.address, profile.representative
    organization.introduction = profile.introduction
    _record("organization.save_profile", organization, by, at)


PAYER_NAMES_MAX = 5
PAYER_NAME_LENGTH_MAX = 48  # what a bank's record holds of a payer's name


def save_payer_names(organization: Organization, names: Sequence[str], *, by: Member, at: datetime) -> None:
    """Keep the names under which an organization pays by transfer (振込名義), so that its payments are known by them."""
    _may(by, organization, rules.may_set_bank_account(by))
    kept = list(dict.fromkeys(filter(None, (bank_accounts.holder_name(name) for name in names))))
    if len(kept) > PAYER_NAMES_MAX:
        raise Invalid({"payer_names": [text("振込名義は%(max)s件までです。", max=PAYER_NAMES_MAX)]})
    if not all(bank_accounts.is_transfer_text(name) and len(name) <= PAYER_NAME_LENGTH_MAX for name in kept):
        message = "振込名義はカタカナ・英数字で、半角にして48文字以内で、1行に1件入力してください。"
        raise Invalid({"payer_names": [text(N_(message))]})
    organization.payer_names = kept
    _record("organization.save_payer_names", organization, by, at)


def member_seen_by(by: Member, member_id: str) -> Member:
    """A member of one's own organization; raises `NotFound` for anybody else."""
    found = queries.member(member_id)
    if found is None or found.organization_id != by.organization_id:
        raise NotFound()
    return found


def change_member(
    member: Member, *, roles: Sequence[str], may_bind: bool, department: str, by: Member, at: datetime
) -> None:
    """Give a member other roles; at least one owner (at the operator: one for the system) must remain."""
    _may(by, member.organization, rules.may_manage_members(by))
    known = rules.OPERATOR_ROLES if member.is_operator else rules.MEMBER_ROLES
    if not roles or not set(roles) <= set(known):
        raise Invalid({"roles": [text(N_("役割を1つ以上選んでください。"))]})
    if len(department) > 100:
        raise Invalid({"department": [text(N_("部署名は100文字以内で入力してください。"))]})
    if _chief(member) not in roles:
        _refuse_leaving_nobody(member)
    member.roles = [role for role in known if role in roles]
    member.may_bind = may_bind and not member.is_operator
    member.department = department
    detail = {"roles": member.roles, "may_bind": member.may_bind}
    audit.record(
        "member.change",
        actor=by.id,
        subject=f"member/{member.id}",
        at=at,
        organization=member.organization_id,
        detail=detail,
    )


def remove_member(member: Member, *, by: Member, at: datetime) -> None:
    """End a membership: sessions, tokens and links end with it, what was done stays."""
    _may(by, member.organization, rules.may_manage_members(by))
    _refuse_leaving_nobody(member)
    member.removed_at = at
    member.session_stamp = secrets.token_urlsafe(12)
    audit.record(
        "member.remove", actor=by.id, subject=f"member/{member.id}", at=at, organization=member.organization_id
    )


def _chief(member: Member) -> str:
    return "system" if member.is_operator else "owner"


def _refuse_leaving_nobody(member: Member) -> None:
    chief = _chief(member)
    if chief not in member.roles:
        return
    database.lock(f"organization/{member.organization_id}/members")
    others = select(func.count()).where(
        Member.organization_id == member.organization_id,
        Member.id != member.id,
        Member.removed_at.is_(None),
        Member.confirmed_at.is_not(None),
        Member.roles.contains([chief]),
    )
    if not session.scalar(others):
        raise Conflict(
            text(
                N_(
                    "「%(role)s」の役割を持つ人が1人もいなくなるため、変更できません。先に、ほかの人に役割を付けてください。"
                ),
                role=text(rules.ROLE_TITLES[chief]),
            )
        )


# --- administrators -------------------------------------------------------------------------------------------


def waiting() -> tuple[int, datetime | None]:
    """How many organizations with a confirmed member wait to be verified, and since when the oldest does."""
    query = select(func.count(), func.min(Organization.created_at)).where(
        Organization.state == "pending", _has_confirmed_member()
    )
    count, oldest = session.execute(query).one()
    return count, oldest


def organizations(*, state: str | None = None, q: str = "", cursor: str | None = None) -> database.Page[Organization]:
    """Organizations but the operator, the newest first. Sign-ups that nobody confirmed are left out."""
    query = select(Organization).where(Organization.kind != "operator")
    query = query.where((Organization.state != "pending") | _has_confirmed_member())
    if state:
        query = query.where(Organization.state == state)
    if q:
        like = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(Organization.name.ilike(like) | (Organization.corporate_number == rules.tidy_number(q)))
    return database.page(query, Organization.id, cursor=cursor)


def _has_confirmed_member() -> Exists:
    return exists().where(
        Member.organization_id == Organization.id, Member.confirmed_at.is_not(None), Member.removed_at.is_(None)
    )


@dataclass(frozen=True)
class Check:
    """One thing an administrator wants to know before verifying, and how it stands."""

    title: Words
    state: str  # passed | failed | look
    note: Words


def checks(organization: Organization, members: Sequence[Member]) -> list[Check]:
    """What the exchange can tell of an organization by itself; what needs a look outside is said to."""
    found = [_number_check(organization), _twin_check(organization), _mail_check(organization, members)]
    found.append(_registration_check(organization))
    binding = [m.name for m in members if m.may_bind]
    note = "、".join(binding) if binding else text("契約を結ぶ権限を持つ人がいません。契約の当事者になるには必要です。")
    found.append(Check(text("契約権者"), "passed" if binding else "look", note))
    return found


def _number_check(organization: Organization) -> Check:
    errors = rules.number_errors(
        organization.kind,
        corporate_number=organization.corporate_number or "",
        municipality_code=organization.municipality_code or "",
        registration_number="",
    )
    words = [word for messages in errors.values() for word in messages]
    if words:
        return Check(text("番号の検査数字と組み合わせ"), "failed", words[0])
    if not organization.corporate_number:
        return Check(
            text("番号の検査数字と組み合わせ"), "look", text("法人番号がありません。定款や規約などで確認してください。")
        )
    return Check(text("番号の検査数字と組み合わせ"), "passed", text("検査数字は正しく、番号どうしも一致しています。"))


def _twin_check(organization: Organization) -> Check:
    title = text("同じ法人番号の組織")
    twins = select(Organization).where(
        Organization.corporate_number == organization.corporate_number,
        Organization.id != organization.id,
        Organization.state != "pending",
    )
    twin = session.scalars(twins).first() if organization.corporate_number else None
    if twin is None:
        return Check(title, "passed", text("ほかにありません。"))
    return Check(title, "failed", text("%(name)s が同じ番号で登録済みです。", name=twin.name))


def _mail_check(organization: Organization, members: Sequence[Member]) -> Check:
    title = text("メールアドレスのドメイン")
    domains = sorted({m.email.rpartition("@")[2].lower() for m in members if m.confirmed_at})
    note = "、".join(domains) or text("確認済みのメールアドレスがありません。")
    if not domains:
        return Check(title, "failed", note)
    if organization.kind == "municipality":
        return Check(title, "passed" if all(map(rules.is_government_domain, domains)) else "look", note)
    return Check(title, "look", text("%(domains)s(組織のウェブサイトと一致するか確認してください)", domains=note))


def _registration_check(organization: Organization) -> Check:
    title = text("適格請求書発行事業者の登録番号")
    if not organization.registration_number:
        return Check(title, "passed", text("登録番号はありません。請求書は「請求書」として発行されます。"))
    if organization.registration_valid_from is None:
        return Check(title, "look", text("国税庁の公表サイトで登録を確認し、登録年月日を記録してください。"))
    return Check(title, "passed", text("登録年月日を記録済みです。"))


def verify(
    organization: Organization,
    *,
    registration_valid_from: date | None = None,
    registration_valid_until: date | None = None,
    by: Member,
    at: datetime,
) -> None:
    """pending or suspended → verified, with what the register of qualified invoice issuers says."""
    session.refresh(organization, with_for_update=True)
    if organization.state == "verified":
        raise WrongState(text("この組織は確認済みです。"), state=organization.state, allowed=["suspend"])
    if hearings.open_of(organization.id):
        words = text("弁明の手続が終わっていません。停止を解くときは、その手続の中で決定してください。")
        raise WrongState(words, state=organization.state, allowed=["decide"])
    failed = [c for c in checks(organization, queries.members_of(organization.id)) if c.state == "failed"]
    if failed:
        raise Conflict(text("確認できません。%(title)s: %(note)s", title=failed[0].title, note=failed[0].note))
    record_registration(
        organization, valid_from=registration_valid_from, valid_until=registration_valid_until, by=by, at=at
    )
    actions.verify_organization(organization, by=by, at=at)


def record_registration(
    organization: Organization, *, valid_from: date | None, valid_until: date | None, by: Member, at: datetime
) -> None:
    """Keep from when until when the registration as a qualified invoice issuer holds (消費税法57条の2)."""
    if valid_from and valid_until and valid_until < valid_from:
        raise Invalid({"registration_valid_until": [text("失効日は登録年月日より後の日付にしてください。")]})
    if (valid_from or valid_until) and not organization.registration_number:
        raise Invalid({"registration_valid_from": [text("登録番号のない組織です。")]})
    if (valid_from, valid_until) == (organization.registration_valid_from, organization.registration_valid_until):
        return
    organization.registration_valid_from, organization.registration_valid_until = valid_from, valid_until
    _record("organization.record_registration", organization, by, at)


def suspend(organization: Organization, *, reason: str, by: Member, at: datetime) -> None:
    """pending → suspended: who nobody has verified takes no part. Once verified, an organization is heard first.

    Raises `WrongState` for those, and for one that is suspended.
    """
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise Invalid({"reason": [text("理由を%(max)s文字以内で入力してください。", max=REASON_LENGTH_MAX)]})
    session.refresh(organization, with_for_update=True)
    if organization.state == "suspended":
        raise WrongState(text("この組織は利用停止中です。"), state=organization.state, allowed=["verify"])
    if organization.state == "verified":
        words = text("確認済みの組織は、理由を知らせて弁明を待つか、急ぐ理由を記録して停止してください。")
        raise WrongState(words, state=organization.state, allowed=["notice", "suspend-at-once"])
    organization.state = "suspended"
    audit.record(
        "organization.suspend",
        actor=by.id,
        subject=f"organization/{organization.id}",
        organization=organization.id,
        at=at,
        detail={"reason": reason},
    )
    actions.notify(
        organization_id=organization.id,
        roles=["owner"],
        title=text("組織の利用が停止されました"),
        body=text("理由: %(reason)s", reason=reason),
        path="/desk/organization",
        at=at,
    )


def _may(by: Member, organization: Organization, allowed: bool) -> None:
    if not allowed or by.organization_id != organization.id:
        raise Forbidden(text(N_("この操作に必要な役割がありません。組織の責任者にご確認ください。")))


def _record(deed: str, organization: Organization, by: Member, at: datetime) -> None:
    audit.record(deed, actor=by.id, subject=f"organization/{organization.id}", organization=organization.id, at=at)

"""How people come in: an organization signs up, an owner invites colleagues, a link in a mail proves an address.

Nobody learns from outside which mail addresses are known: sign-up and reset answer the same for every address, and
what differs is said in the mail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from exchange import audit, clock, database, mail
from exchange.config import config
from exchange.database import new_id, session
from exchange.errors import N_, DomainError, Forbidden, Invalid, Words, text
from exchange.identity import actions, queries, rules, terms
from exchange.identity.models import Member, OneTimeLink, Organization

RESET_LIFETIME = timedelta(hours=2)
LETTERS_PER_HOUR = 3  # of one purpose to one address, so that nobody's mailbox is flooded
KINDS = ("company", "municipality", "npo", "university")


class LinkGone(DomainError):
    """The link was used, has expired, or is not one of ours."""

    status = 410
    title_ja = N_("このリンクは使えません")


@dataclass(frozen=True, kw_only=True)
class Body:
    """What an organization says of itself at sign-up."""

    kind: str
    name: str
    corporate_number: str = ""
    municipality_code: str = ""
    registration_number: str = ""
    name_en: str = ""
    address: str = ""
    representative: str = ""
    is_abroad: bool = False


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who signs the organization up and becomes its first owner."""

    name: str
    email: str
    password: str
    department: str = ""
    may_bind: bool = False
    language: str = "ja"


def sign_up(body: Body, person: Person, *, accepted: Sequence[str], address: str, at: datetime) -> None:
    """A new organization waits for its owner to confirm the mail address, then for an administrator to verify it.

    Raises `Invalid` with every field that cannot be taken. Answers the same whether the address is known or not; who
    is known gets a mail that says so instead.
    """
    body = _tidied(body)
    errors = {**_body_errors(body), **_person_errors(person)}
    if terms_missing := [key for key in terms.IN_FORCE if key not in accepted]:
        errors["accept_terms"] = [text(N_("規約とプライバシーポリシーをお読みのうえ、同意してください。"))]
    password_hash = _hashed(person.password, errors)
    if errors or terms_missing:
        raise Invalid(errors)
    database.lock(f"address/{person.email.lower()}")
    known = queries.member_by_email(person.email)
    if known is not None and (known.confirmed_at is not None or known.password_hash is None):
        return _tell_known(known, at)
    if known is not None:
        _withdraw(known, at)
    owner = _found(body, person, at)
    owner.password_hash = password_hash
    terms.accept(owner, accepted, address=address, at=at)
    session.flush()
    _send_confirmation(owner, at)


def _hashed(password: str, errors: dict[str, list[Words]]) -> str:
    try:
        return actions.password_hash(password)
    except Invalid as refusal:
        errors["password"] = [word for words in refusal.errors.values() for word in words]
        return ""


def _tidied(body: Body) -> Body:
    return Body(
        kind=body.kind,
        name=body.name.strip(),
        name_en=body.name_en.strip(),
        corporate_number=rules.tidy_number(body.corporate_number),
        municipality_code=rules.tidy_number(body.municipality_code),
        registration_number=rules.tidy_number(body.registration_number),
        address=body.address.strip(),
        representative=body.representative.strip(),
        is_abroad=body.is_abroad,
    )


def _body_errors(body: Body) -> dict[str, list[Words]]:
    if body.kind not in KINDS:
        return {"kind": [text(N_("組織の種類を選んでください。"))]}
    errors = rules.number_errors(
        body.kind,
        corporate_number=body.corporate_number,
        municipality_code=body.municipality_code,
        registration_number=body.registration_number,
    )
    if "corporate_number" not in errors and _is_taken(body.corporate_number):
        errors["corporate_number"] = [
            text(N_("この法人番号の組織は登録済みです。組織の責任者に、メンバーとしての招待を依頼してください。"))
        ]
    errors |= length_errors(
        {
            "name": (body.name, 1, 200, N_("組織の名称を200文字以内で入力してください。")),
            "name_en": (body.name_en, 0, 200, N_("英語の名称は200文字以内で入力してください。")),
            "address": (body.address, 1, 300, N_("所在地を300文字以内で入力してください。")),
            "representative": (body.representative, 1, 100, N_("代表者の役職と氏名を100文字以内で入力してください。")),
        }
    )
    return errors


def length_errors(limits: dict[str, tuple[str, int, int, str]]) -> dict[str, list[Words]]:
    """Which values are shorter or longer than they may be, with what to say."""
    return {
        field: [text(message)]
        for field, (value, least, most, message) in limits.items()
        if not least <= len(value) <= most
    }


def _is_taken(corporate_number: str) -> bool:
    if not corporate_number:
        return False
    query = select(func.count()).where(
        Organization.corporate_number == corporate_number, Organization.state != "pending"
    )
    return bool(session.scalar(query))


def _person_errors(person: Person) -> dict[str, list[Words]]:
    errors = length_errors(
        {
            "person_name": (person.name.strip(), 1, 100, N_("お名前を100文字以内で入力してください。")),
            "department": (person.department.strip(), 0, 100, N_("部署名は100文字以内で入力してください。")),
        }
    )
    if not rules.is_email(person.email):
        errors["email"] = [text(N_("メールアドレスを「name@example.jp」の形で入力してください。"))]
    return errors


def _found(body: Body, person: Person, at: datetime) -> Member:
    organization = Organization(
        id=new_id(),
        kind=body.kind,
        name=body.name,
        name_en=body.name_en or None,
        corporate_number=body.corporate_number or None,
        municipality_code=body.municipality_code or None,
        registration_number=body.registration_number or None,
        area_code=body.municipality_code or None,
        address=body.address,
        representative=body.representative,
        is_abroad=body.is_abroad,
        state="pending",
        created_at=at,
    )
    session.add(organization)
    owner = actions.new_member(
        organization, email=person.email, name=person.name, roles=["owner"], may_bind=person.may_bind, at=at
    )
    owner.department, owner.language = person.department.strip(), person.language
    session.flush()
    subject = f"organization/{organization.id}"
    audit.record("organization.sign_up", actor=owner.id, subject=subject, at=at, organization=organization.id)
    return owner


def _tell_known(member: Member, at: datetime) -> None:
    if member.password_hash is None:
        return _send_invitation(member, at)
    if _enough_letters(member, "reset"):
        return None
    body = text(
        "このメールアドレスで登録の申込みがありましたが、すでに登録されているため、新しい登録は行っていません。\n\n"
        "サインイン: %(url)s/sign-in\nパスワードの再設定: %(url)s/password-reset\n\n"
        "お心当たりのない場合は、このメールを破棄してください。",
        url=config().url,
    )
    mail.send(to=member.email, subject=str(text("【仲立ち】すでに登録されています")), body=str(body), at=at)
    return None


def _withdraw(member: Member, at: datetime) -> None:
    """Give way: a sign-up that was never confirmed must not hold an address, nor lend it an unknown password."""
    member.removed_at = at
    session.flush()
    audit.record("member.give_way", actor=None, subject=f"member/{member.id}", at=at)


def _send_confirmation(member: Member, at: datetime) -> None:
    path = actions.one_time_link(member, "confirm", at=clock.real_now())
    body = text(
        "%(name)s 様\n\n仲立ちデータ取引市場への登録を受け付けました。次のリンクを開いて、メールアドレスを確認してください。\n\n"
        "%(link)s\n\nリンクは3日間有効です。確認が済むと、運営者が組織の確認を行います。\n"
        "お心当たりのない場合は、このメールを破棄してください。",
        name=member.name,
        link=config().url + path,
    )
    mail.send(to=member.email, subject=str(text("【仲立ち】メールアドレスの確認")), body=str(body), at=at)


def send_confirmation_again(member: Member, *, at: datetime) -> None:
    """Another confirmation mail to someone who knows the password, three an hour at most."""
    if member.confirmed_at is None and not _enough_letters(member, "confirm"):
        _send_confirmation(member, at)


def _enough_letters(member: Member, purpose: str) -> bool:
    since = clock.real_now() - timedelta(hours=1)
    lifetime = RESET_LIFETIME if purpose == "reset" else actions.LINK_LIFETIME
    query = select(func.count()).where(
        OneTimeLink.member_id == member.id,
        OneTimeLink.purpose == purpose,
        OneTimeLink.expires_at > since + lifetime,
    )
    return (session.scalar(query) or 0) >= LETTERS_PER_HOUR


def ask_for_reset(email: str, *, at: datetime) -> None:
    """Send a link to set a new password, if the address is somebody's; says nothing either way."""
    member = queries.member_by_email(email) if rules.is_email(email) else None
    if member is None or _enough_letters(member, "reset"):
        return None
    if member.password_hash is None:
        return _send_invitation(member, at)
    path = actions.one_time_link(member, "reset", at=clock.real_now(), lifetime=RESET_LIFETIME)
    body = text(
        "%(name)s 様\n\nパスワードの再設定の申込みを受け付けました。次のリンクから新しいパスワードを設定してください。\n\n"
        "%(link)s\n\nリンクは2時間有効で、一度だけ使えます。\n"
        "お心当たりのない場合は、このメールを破棄してください。パスワードは変わりません。",
        name=member.name,
        link=config().url + path,
    )
    mail.send(to=member.email, subject=str(text("【仲立ち】パスワードの再設定")), body=str(body), at=at)
    audit.record("member.ask_for_reset", actor=None, subject=f"member/{member.id}", at=at)
    return None


def invite(
    organization: Organization,
    *,
    email: str,
    name: str,
    department: str,
    roles: Sequence[str],
    may_bind: bool,
    by: Member,
    at: datetime,
) -> Member:
    """A colleague, who gets a link to set a password. Owners invite to their own organization."""
    if not rules.may_manage_members(by) or by.organization_id != organization.id:
        raise Forbidden(text(N_("メンバーの招待は、組織の責任者だけが行えます。")))
    errors: dict[str, list[Words]] = length_errors(
        {
            "name": (name.strip(), 1, 100, N_("お名前を100文字以内で入力してください。")),
            "department": (department.strip(), 0, 100, N_("部署名は100文字以内で入力してください。")),
        }
    )
    if not rules.is_email(email):
        errors["email"] = [text(N_("メールアドレスを「name@example.jp」の形で入力してください。"))]
    if errors:
        raise Invalid(errors)
    database.lock(f"address/{email.lower()}")
    member = actions.new_member(
        organization, email=email, name=name, roles=roles, may_bind=may_bind and organization.kind != "operator", at=at
    )
    member.department = department.strip()
    session.flush()
    audit.record(
        "member.invite",
        actor=by.id,
        subject=f"member/{member.id}",
        at=at,
        organization=organization.id,
        detail={"roles": list(roles), "may_bind": member.may_bind},
    )
    _send_invitation(member, at)
    return member


def invite_again(member: Member, *, by: Member, at: datetime) -> None:
    """Another link to someone who was invited and has not come yet."""
    if not rules.may_manage_members(by) or by.organization_id != member.organization_id:
        raise Forbidden(text(N_("メンバーの招待は、組織の責任者だけが行えます。")))
    if member.password_hash is None:
        _send_invitation(member, at)


def _send_invitation(member: Member, at: datetime) -> None:
    if _enough_letters(member, "welcome"):
        return
    path = actions.one_time_link(member, "welcome", at=clock.real_now())
    body = text(
        "%(name)s 様\n\n%(organization)s のメンバーとして、仲立ちデータ取引市場に招待されました。\n"
        "次のリンクからパスワードを設定すると、ご利用いただけます。\n\n%(link)s\n\nリンクは3日間有効です。",
        name=member.name,
        organization=member.organization.name,
        link=config().url + path,
    )
    mail.send(to=member.email, subject=str(text("【仲立ち】メンバーとして招待されました")), body=str(body), at=at)


def holder_of(purpose: str, secret: str, *, at: datetime, lock: bool = False) -> tuple[OneTimeLink, Member]:
    """Whom a link in a mail belongs to; raises `LinkGone` unless it is unused and in time."""
    query = select(OneTimeLink).where(
        OneTimeLink.digest == queries.digest(secret), OneTimeLink.purpose == purpose, OneTimeLink.used_at.is_(None)
    )
    link = session.scalars(query.with_for_update() if lock else query).first()
    member = queries.member(link.member_id) if link else None
    if link is None or member is None or link.expires_at <= at:
        raise LinkGone(
            text(N_("リンクは使用済みか、有効期限が切れています。お手数ですが、はじめからやり直してください。"))
        )
    return link, member


def confirm_address(secret: str, *, at: datetime) -> Member:
    """The holder of a mailbox says that it is theirs; administrators learn that an organization waits."""
    link, member = holder_of("confirm", secret, at=clock.real_now(), lock=True)
    link.used_at = at
    member.confirmed_at = at
    audit.record("member.confirm", actor=member.id, subject=f"member/{member.id}", at=at)
    if member.organization.state == "pending":
        actions.notify_operators(
            roles=["approver"],
            title=text("組織の確認を待っています: %(name)s", name=member.organization.name),
            body=text("新しい組織が登録されました。本人確認を行ってください。"),
            path=f"/desk/organizations/{member.organization_id}",
            at=at,
        )
    return member


def reset_password(secret: str, password: str, *, at: datetime) -> Member:
    """A new password by a link in a mail; all sessions and other links end. A second factor stays as it is."""
    link, member = holder_of("reset", secret, at=clock.real_now(), lock=True)
    actions.set_password(member, password, at=at)
    link.used_at = at
    member.confirmed_at = member.confirmed_at or at  # the mail was read, which is all that confirming proves
    return member


def come_in(secret: str, *, name: str, password: str, accepted: Sequence[str], address: str, at: datetime) -> Member:
    """An invited person, or a first administrator, sets a password; participants accept the terms."""
    link, member = holder_of("welcome", secret, at=clock.real_now(), lock=True)
    errors: dict[str, list[Words]] = length_errors(
        {"name": (name.strip(), 1, 100, N_("お名前を100文字以内で入力してください。"))}
    )
    if not member.is_operator:
        errors |= _refused(lambda: terms.accept(member, accepted, address=address, at=at))
    errors |= _refused(lambda: actions.set_password(member, password, at=at))
    if errors:
        raise Invalid(errors)
    link.used_at = at
    member.name = name.strip()
    member.confirmed_at = member.confirmed_at or at
    return member


def _refused(deed: Callable[[], None]) -> dict[str, list[Words]]:
    """What is wrong with a deed's fields, so that all of a form's mistakes are told at once."""
    try:
        deed()
    except Invalid as refusal:
        return {field: list(words) for field, words in refusal.errors.items()}
    return {}

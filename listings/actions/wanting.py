"""The board of wants: looking for data, wanting the same, answering."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypedDict

from sqlalchemy import select

from exchange import audit, clock, database
from exchange.database import new_id, session
from exchange.errors import Forbidden, Invalid, NotFound, Words, WrongState, text
from exchange.identity import actions as identity
from exchange.identity.models import Member
from listings import queries, rules
from listings.models import Want, WantAnswer, WantJoin

UNTIL_DAYS_MAX = 730
HOLDERS_TOLD_MAX = 500


class WantFields(TypedDict):
    """What is wanted, for which purpose, where, until when."""

    title: str
    purpose: str
    description: str
    theme: str
    area_codes: list[str]
    until: date


class AnswerFields(TypedDict, total=False):
    """A holder's answer: a listing, a date, or a no with its reason."""

    kind: str
    listing_id: str | None
    planned_on: date | None
    message: str


def want(fields: WantFields, *, by: Member, at: datetime, form_id: str | None = None) -> Want:
    """Post a want; holders of the theme and the area are told. The same `form_id` gives the same want again.

    Refuses: organizations not verified, operators (`Forbidden`), fields that cannot be taken, too many open wants.
    """
    _takes_part(by)
    if form_id and (made := _made_from(form_id, by)):
        return made
    problems = rules.want_problems(fields)
    today = clock.day_of(at)
    if not today <= fields["until"] <= today + timedelta(days=UNTIL_DAYS_MAX):
        problems["until"] = [text("期限は今日から%(max)s日以内の日付にしてください。", max=UNTIL_DAYS_MAX)]
    if queries.open_wants_count(by.organization_id) >= rules.OPEN_WANTS_PER_ORGANIZATION_MAX:
        problems["title"] = [text("募集中のものは%(max)s件までです。", max=rules.OPEN_WANTS_PER_ORGANIZATION_MAX)]
    if problems:
        raise Invalid(problems)
    posted = _new(fields, by, at, form_id)
    _note(posted, "post", by, at)
    _tell_holders(posted, at)
    return queries.want(posted.id)


def _takes_part(by: Member) -> None:
    if by.is_operator:
        raise Forbidden(text("運営者は中立であるため、データの募集や回答をしません。"))
    if not by.organization.is_verified:
        raise Forbidden(text("組織の確認がまだ済んでいないため、募集や回答はできません。"))
    if by.roles == ["viewer"]:
        raise Forbidden(text("閲覧のみの役割では、募集や回答はできません。"))


def _made_from(form_id: str, by: Member) -> Want | None:
    database.lock(f"want-form/{by.organization_id}/{form_id}")
    found = session.scalar(select(Want.id).where(Want.organization_id == by.organization_id, Want.form_id == form_id))
    return queries.want(found) if found else None


def _new(fields: WantFields, by: Member, at: datetime, form_id: str | None) -> Want:
    posted = Want(
        id=new_id(),
        organization_id=by.organization_id,
        member_id=by.id,
        form_id=form_id,
        title=fields["title"].strip(),
        purpose=fields["purpose"].strip(),
        description=fields["description"].strip(),
        theme=fields["theme"],
        area_codes=list(dict.fromkeys(fields["area_codes"])),
        until=fields["until"],
        created_at=at,
    )
    session.add(posted)
    session.flush()
    return posted


def _note(wanted: Want, deed: str, by: Member | None, at: datetime) -> None:
    actor, organization = (by.id, by.organization_id) if by else (None, wanted.organization_id)
    audit.record(f"want.{deed}", actor=actor, subject=f"want/{wanted.id}", at=at, organization=organization)


def _tell_holders(wanted: Want, at: datetime) -> None:
    title = text("求められているデータ: %(title)s", title=wanted.title)
    body = text("用途: %(purpose)s", purpose=wanted.purpose)
    holders = [i for i in queries.holders_for(wanted.theme, wanted.area_codes) if i != wanted.organization_id]
    for organization_id in holders[:HOLDERS_TOLD_MAX]:
        roles = ["owner", "data_officer"]
        identity.notify(
            organization_id=organization_id, roles=roles, title=title, body=body, path=f"/needs/{wanted.id}", at=at
        )


def join(wanted: Want, *, note: str, by: Member, at: datetime) -> Want:
    """Want the same. Joining twice, or one's own, changes nothing; an ended want is `WrongState`."""
    _takes_part(by)
    _held_open(wanted)
    if len(note) > rules.NOTE_LENGTH_MAX or not rules.printable(note):
        raise Invalid({"note": [text("説明は%(max)s文字以内で入力してください。", max=rules.NOTE_LENGTH_MAX)]})
    joined = session.get(WantJoin, (wanted.id, by.organization_id))
    if joined is None and by.organization_id != wanted.organization_id:
        row = WantJoin(want_id=wanted.id, organization_id=by.organization_id, member_id=by.id, note=note.strip(), at=at)
        session.add(row)
        _note(wanted, "join", by, at)
    return _fresh(wanted)


def answer_want(wanted: Want, fields: AnswerFields, *, by: Member, at: datetime) -> WantAnswer:
    """Answer with a listing, a date or a reasoned no; those who want it are told.

    Refuses: one's own want, ended wants, listings that are not one's own published ones, a no without a reason.
    """
    _takes_part(by)
    _held_open(wanted)
    if by.organization_id == wanted.organization_id:
        raise Forbidden(text("自分の組織の募集には回答できません。"))
    _answerable(fields, by, at)
    kind = fields["kind"]
    answer = WantAnswer(
        id=new_id(),
        want_id=wanted.id,
        organization_id=by.organization_id,
        member_id=by.id,
        kind=kind,
        listing_id=fields.get("listing_id") if kind == "listing" else None,
        planned_on=fields.get("planned_on") if kind == "date" else None,
        message=fields.get("message", "").strip(),
        at=at,
    )
    session.add(answer)
    session.flush()
    _note(wanted, "answer", by, at)
    _tell_wanting(wanted, by, at)
    _fresh(wanted)
    return answer


def _answerable(fields: AnswerFields, by: Member, at: datetime) -> None:
    kind, message = fields.get("kind"), fields.get("message", "")
    problems: dict[str, list[Words]] = {}
    if kind not in rules.ANSWER_KINDS:
        problems["kind"] = [text("選択肢から選んでください。")]
    if len(message) > rules.REASON_LENGTH_MAX or not rules.printable(message):
        problems["message"] = [text("説明は%(max)s文字以内で入力してください。", max=rules.REASON_LENGTH_MAX)]
    if kind == "no" and not message.strip():
        problems["message"] = [text("提供できない理由を入力してください。")]
    if kind == "date" and (fields.get("planned_on") or date.min) < clock.day_of(at):
        problems["planned_on"] = [text("提供予定日は今日以後の日付にしてください。")]
    if kind == "listing" and not _is_own_published(fields.get("listing_id"), by):
        problems["listing_id"] = [text("自分の組織が公開している掲載を選んでください。")]
    if problems:
        raise Invalid(problems)


def _is_own_published(listing_id: str | None, by: Member) -> bool:
    try:
        listing = queries.listing_seen_by(by, listing_id or "")
    except NotFound:
        return False
    return listing.provider_id == by.organization_id and listing.state == "published"


def _tell_wanting(wanted: Want, by: Member, at: datetime) -> None:
    title = text("募集に回答がありました: %(title)s", title=wanted.title)
    body = text("%(who)sが回答しました。", who=by.organization.name)
    query = select(WantJoin.organization_id).where(WantJoin.want_id == wanted.id)
    for organization_id in {wanted.organization_id, *session.scalars(query)} - {by.organization_id}:
        identity.notify(organization_id=organization_id, title=title, body=body, path=f"/needs/{wanted.id}", at=at)


def close_want(wanted: Want, *, by: Member, at: datetime) -> Want:
    """want: open → closed, by those who posted it. An ended want is `WrongState`."""
    if by.organization_id != wanted.organization_id or by.roles == ["viewer"]:
        raise Forbidden(text("募集を終えられるのは、募集した組織だけです。"))
    _held_open(wanted)
    wanted.state = "closed"
    _note(wanted, "close", by, at)
    return _fresh(wanted)


def end_overdue_wants(*, at: datetime) -> int:
    """Close wants whose last day is over; how many."""
    today = clock.day_of(at)
    overdue: Sequence[Want] = session.scalars(select(Want).where(Want.state == "open", Want.until < today)).all()
    for wanted in overdue:
        wanted.state = "closed"
        _note(wanted, "end", None, at)
    return len(overdue)


def _held_open(wanted: Want) -> None:
    session.refresh(wanted, attribute_names=["state"], with_for_update=True)
    if wanted.state != "open":
        raise WrongState(text("この募集は終了しています。"), state=wanted.state, allowed=[])


def _fresh(wanted: Want) -> Want:
    session.flush()
    session.expire(wanted, ["joins", "answers"])
    return queries.want(wanted.id)

"""Before an organization is suspended it is heard, as the terms of participation promise (platform-participation, clause 23).

    noticed ──answer──> answered ──decide──> suspended, or no measure
       └──── the days for an answer are over ──┘

    suspended at once, where harm must be prevented ──answer──> decided within 14 days: goes on, or is lifted

Each step is a row that stays, with who did it and when, and an entry in the audit log. One at a time an organization.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from exchange import audit, clock, database
from exchange.database import Base, Id, new_id, session
from exchange.errors import N_, Forbidden, Invalid, NotFound, Words, WrongState, text
from exchange.identity import actions, rules
from exchange.identity.models import Member, Organization

ANSWER_DAYS_MIN, ANSWER_DAYS_MAX = 14, 90
DECIDE_WITHIN = timedelta(days=14)  # after the answer to a suspension at once
WORDS_MAX, ARTICLE_MAX = 2_000, 100
DECISIONS = {
    "suspend": (N_("利用を停止する"), "error"),
    "none": (N_("措置をとらない"), "success"),
    "keep": (N_("停止を続ける"), "error"),
    "lift": (N_("停止を解く"), "success"),
}


class Hearing(Base):
    """One notice of a ground for suspension, the answer to it, and the decision."""

    __tablename__ = "hearing"
    __table_args__ = (
        CheckConstraint("decision IN ('suspend','none','keep','lift')", name="decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("is_urgent = (urgency <> '')", name="urgency"),
        CheckConstraint("decision IS NULL OR is_urgent = (decision IN ('keep','lift'))", name="of_its_kind"),
        Index("uq_hearing_open", "organization_id", unique=True, postgresql_where="decision IS NULL"),
    )

    id: Mapped[Id]
    organization_id: Mapped[str] = mapped_column(ForeignKey("organization.id"), index=True)
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    ground: Mapped[str]
    article: Mapped[str]  # of the terms, on which the measure rests
    is_urgent: Mapped[bool]
    urgency: Mapped[str] = mapped_column(default="")  # why it could not wait
    noticed_at: Mapped[datetime]
    noticed_by: Mapped[str] = mapped_column(ForeignKey("member.id"))
    answer_by: Mapped[date]
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))
    decision: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("member.id"))

    @property
    def choices(self) -> tuple[str, str]:
        """What can be decided."""
        return ("keep", "lift") if self.is_urgent else ("suspend", "none")

    @property
    def decide_by(self) -> date | None:
        """The last day for the decision after a suspension at once, once its ground was answered."""
        return clock.day_of(self.answered_at + DECIDE_WITHIN) if self.is_urgent and self.answered_at else None

    def may_be_decided(self, on: date) -> bool:
        """Whether the organization was heard: it has answered, or the days for it are over."""
        return self.decision is None and (self.answered_at is not None or on > self.answer_by)


def give_notice(
    organization: Organization, *, ground: str, article: str, answer_by: date | None, by: Member, at: datetime
) -> Hearing:
    """→ noticed. Tell an organization the ground for suspending it, and until when it may answer: 14 days at least."""
    _claim_unheard(organization, by)
    errors, first = _errors(ground=ground, article=article), clock.day_of(at) + timedelta(ANSWER_DAYS_MIN)
    if answer_by is None or not first <= answer_by <= clock.day_of(at) + timedelta(ANSWER_DAYS_MAX):
        errors["answer_by"] = [
            text(
                "弁明の期限を、%(first)s から%(days)s日後までの日付で入力してください。",
                first=clock.words(first),
                days=ANSWER_DAYS_MAX,
            )
        ]
    if errors or answer_by is None:
        raise Invalid(errors)
    made = _begun(organization, ground=ground, article=article, answer_by=answer_by, by=by, at=at)
    _tell(
        made,
        text("利用停止の予定と弁明の機会のお知らせ"),
        text(
            "次の理由により、利用の停止を予定しています。%(day)s までに弁明を提出できます。\n根拠: %(article)s\n理由: %(ground)s",
            day=clock.words(answer_by),
            article=made.article,
            ground=made.ground,
        ),
        at,
    )
    return made


def suspend_at_once(
    organization: Organization, *, ground: str, article: str, urgency: str, by: Member, at: datetime
) -> Hearing:
    """verified → suspended, where harm must be prevented without delay; the organization is heard afterwards."""
    _claim_unheard(organization, by)
    if errors := _errors(ground=ground, article=article, urgency=urgency):
        raise Invalid(errors)
    answer_by = clock.day_of(at) + timedelta(ANSWER_DAYS_MIN)
    made = _begun(
        organization, ground=ground, article=article, urgency=urgency.strip(), answer_by=answer_by, by=by, at=at
    )
    organization.state = "suspended"
    _tell(
        made,
        text("組織の利用が停止されました"),
        text(
            "急いで被害を防ぐ必要があるため、利用を停止しました。%(day)s までに弁明を提出できます。\n根拠: %(article)s\n理由: %(ground)s\n急ぐ理由: %(urgency)s",
            day=clock.words(answer_by),
            article=made.article,
            ground=made.ground,
            urgency=made.urgency,
        ),
        at,
    )
    return made


def _claim(organization: Organization, by: Member) -> None:
    if not rules.has_role(by, "approver") or not by.is_operator:
        raise Forbidden(text("措置の手続は、運営者の審査担当だけが行えます。"))
    database.lock(f"hearing/{organization.id}")
    session.refresh(organization, with_for_update=True)


def _claim_unheard(organization: Organization, by: Member) -> None:
    _claim(organization, by)
    if organization.state != "verified" or open_of(organization.id):
        words = text("この組織は、措置の手続を始められる状態ではありません。")
        raise WrongState(words, state=organization.state, allowed=[])


def _errors(**written: str) -> dict[str, list[Words]]:
    most = {"article": ARTICLE_MAX}
    return {
        name: [text("1文字以上%(max)s文字以内で入力してください。", max=most.get(name, WORDS_MAX))]
        for name, words in written.items()
        if not 1 <= len(words.strip()) <= most.get(name, WORDS_MAX)
    }


def _begun(
    organization: Organization,
    *,
    ground: str,
    article: str,
    answer_by: date,
    by: Member,
    at: datetime,
    urgency: str = "",
) -> Hearing:
    made = Hearing(
        id=new_id(),
        organization_id=organization.id,
        ground=ground.strip(),
        article=article.strip(),
        is_urgent=bool(urgency),
        urgency=urgency,
        noticed_at=at,
        noticed_by=by.id,
        answer_by=answer_by,
    )
    session.add(made)
    session.flush()
    deed = "organization.suspend" if urgency else "hearing.notice"
    _record(deed, made, by, at, {"reason": made.ground, "article": made.article, "urgency": urgency})
    return made


def answer(organization_id: str, words: str, *, by: Member, at: datetime) -> Hearing:
    """noticed → answered. The organization says what it has to say, until the decision; once."""
    if by.organization_id != organization_id or not rules.has_role(by, "owner") or by.is_operator:
        raise Forbidden(text("弁明は、組織の責任者だけが提出できます。"))
    database.lock(f"hearing/{organization_id}")
    found = open_of(organization_id)
    if found is None or found.answered_at is not None:
        raise WrongState(text("弁明の提出を待っている手続はありません。"), state="none", allowed=[])
    if errors := _errors(answer=words):
        raise Invalid(errors)
    found.answer, found.answered_at, found.answered_by = words.strip(), at, by.id
    _record("hearing.answer", found, by, at, {})
    actions.notify_operators(
        roles=["approver"],
        title=text("弁明が提出されました"),
        body=text("%(name)s が弁明を提出しました。内容を確かめて決定してください。", name=by.organization.name),
        path=f"/desk/organizations/{organization_id}",
        at=at,
    )
    return found


def decide(organization: Organization, *, decision: str, reason: str, by: Member, at: datetime) -> Hearing:
    """answered, or not answered in time → decided, with the reason; only lifting a suspension need not wait for that."""
    _claim(organization, by)
    found = open_of(organization.id)
    if found is None:
        raise WrongState(text("決定を待っている手続はありません。"), state=organization.state, allowed=[])
    errors = _errors(reason=reason)
    if decision not in found.choices:
        errors["decision"] = [text("決定を選んでください。")]
    if errors:
        raise Invalid(errors)
    if decision not in ("lift", "none") and not found.may_be_decided(clock.day_of(at)):
        words = text("弁明の期限(%(day)s)までは、弁明を待ってください。", day=clock.words(found.answer_by))
        raise WrongState(words, state="noticed", allowed=[found.choices[1]])
    found.decision, found.reason, found.decided_at, found.decided_by = decision, reason.strip(), at, by.id
    organization.state = "suspended" if decision in ("suspend", "keep") else "verified"
    _record("hearing.decide", found, by, at, {"decision": decision, "reason": found.reason})
    result = text("決定: %(decision)s\n理由: %(reason)s", decision=text(DECISIONS[decision][0]), reason=found.reason)
    _tell(found, text("利用停止についての決定のお知らせ"), result, at)
    return found


def _record(deed: str, hearing: Hearing, by: Member, at: datetime, detail: dict[str, str]) -> None:
    subject, said = f"organization/{hearing.organization_id}", {name: value for name, value in detail.items() if value}
    audit.record(deed, actor=by.id, subject=subject, organization=hearing.organization_id, at=at, detail=said)


def _tell(hearing: Hearing, title: Words, body: Words, at: datetime) -> None:
    whom = hearing.organization_id
    actions.notify(organization_id=whom, roles=["owner"], title=title, body=body, path="/desk/hearing", at=at)


def open_of(organization_id: str) -> Hearing | None:
    """What is under way against an organization."""
    query = select(Hearing).where(Hearing.organization_id == organization_id, Hearing.decision.is_(None))
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def of(organization_id: str) -> Sequence[Hearing]:
    """All that was ever held, the newest first."""
    query = select(Hearing).where(Hearing.organization_id == organization_id)
    return session.scalars(query.order_by(Hearing.id.desc())).all()


def seen_by(member: Member) -> Sequence[Hearing]:
    """What was held about one's own organization; raises `NotFound` where there was nothing."""
    found = of(member.organization_id)
    if not found:
        raise NotFound()
    return found


def to_decide(*, at: datetime) -> Sequence[Hearing]:
    """Those that wait for a decision, since they were answered or the days for it are over; the oldest first."""
    query = select(Hearing).where(Hearing.decision.is_(None)).options(joinedload(Hearing.organization))
    return [each for each in session.scalars(query.order_by(Hearing.id)) if each.may_be_decided(clock.day_of(at))]

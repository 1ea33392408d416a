"""From draft to published: findings answered, submitted, published or returned, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from exchange.database import session
from exchange.errors import N_, Conflict, Forbidden, Invalid, Words, WrongState, text
from exchange.identity import actions as identity
from exchange.identity import terms
from exchange.identity.models import Member
from listings import queries, rules
from listings.actions.drafting import index, locked, must_prepare, note
from listings.models import File, Finding, Listing, Release


class FindingsUnanswered(WrongState):
    """Values look like personal data and the provider has not said yet why they may go out; `findings` lists them."""

    title_ja = N_("個人に関する値の可能性がある列について、回答が必要です")


class NotComplete(WrongState):
    """Something that every listing needs is missing; `missing` names the steps."""

    title_ja = N_("提出に必要なものがそろっていません")


@dataclass(frozen=True)
class Answer:
    """Why values that look like personal data may go out."""

    file_id: str
    kind: str
    column: str
    answer: str


def submit(listing: Listing, *, answers: Sequence[Answer], by: Member, at: datetime) -> Listing:
    """listing: draft → submitted; of a published listing, its draft release: draft → submitted.

    Refuses: organizations that have not accepted the terms in force (`TermsNotAccepted`), classes whose gates are not
    in force (`ClassNotYetAccepted`), what is incomplete (`NotComplete`), findings without an answer
    (`FindingsUnanswered`).
    """
    locked(listing)
    must_prepare(by, listing)
    terms.require(listing.provider_id, "providers")
    release = unpublished(listing)
    moved = _moved(listing, release, "submit")
    if listing.data_class:
        rules.class_may_be_submitted(listing.data_class, state=release.state)
    files = _kept(release)
    answer_findings(listing, answers, by=by, at=at)
    _all_answered(release, files)
    _complete(listing, release, files)
    listing.state, release.state = moved
    listing.submitted_at = release.submitted_at = at
    index(listing)
    note(listing, "submit", by=by, at=at, release=release)
    identity.notify_operators(
        roles=["approver"],
        title=text("審査待ちの掲載: %(title)s", title=listing.title),
        body=text("%(provider)sが掲載を提出しました。", provider=listing.provider.name),
        path=f"/desk/reviews/listings/{listing.id}",
        at=at,
    )
    return _fresh(listing)


def unpublished(listing: Listing) -> Release:
    """The release of a locked listing that is not published, as it is now; `WrongState` when there is none."""
    query = select(Release).where(Release.listing_id == listing.id, Release.state != "published")
    release = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if release is None or listing.state == "withdrawn":
        raise WrongState(
            text("審査や公開の対象になる版がありません。"),
            state=listing.state,
            allowed=rules.deeds(listing.state, None),
        )
    return release


def _moved(listing: Listing, release: Release, deed: str) -> tuple[str, str]:
    """The states of listing and release after a deed; `WrongState` with what both would take instead."""
    return rules.after(rules.LISTING, listing.state, deed), rules.after(rules.RELEASE, release.state, deed)


def _kept(release: Release) -> list[File]:
    query = select(File).where(File.release_id == release.id, File.removed_at.is_(None)).order_by(File.id)
    return list(session.scalars(query.options(selectinload(File.findings)).execution_options(populate_existing=True)))


def answer_findings(listing: Listing, answers: Sequence[Answer], *, by: Member, at: datetime) -> None:
    """Record the provider's answers; one to something that was not found, or without words, is `Invalid`."""
    release = unpublished(listing)
    found = {(f.file_id, f.kind, f.column): f for file in _kept(release) for f in file.findings}
    for number, answer in enumerate(answers):
        finding = found.get((answer.file_id, answer.kind, answer.column))
        if finding is None:
            raise Invalid(
                {f"answers.{number}": [text("回答の対象が見つかりません。file_id、kind、column を確かめてください。")]}
            )
        _answer(finding, answer.answer, number, by, at)
    if answers:
        session.flush()
        note(listing, "answer_findings", by=by, at=at, release=release, detail={"count": len(answers)})


def _answer(finding: Finding, words: str, number: int, by: Member, at: datetime) -> None:
    if not words.strip() or len(words) > rules.REASON_LENGTH_MAX or not rules.printable(words):
        message = text("回答は1文字以上%(max)s文字以内で入力してください。", max=rules.REASON_LENGTH_MAX)
        raise Invalid({f"answers.{number}.answer": [message]})
    finding.answer, finding.answered_by, finding.answered_at = words.strip(), by.id, at


def _all_answered(release: Release, files: Sequence[File]) -> None:
    left = [finding for file in files if file.state == "ready" for finding in file.findings if not finding.answer]
    if left:
        raise FindingsUnanswered(
            text(
                "個人に関する値の可能性がある列が%(n)s件あります。それぞれについて、提供してよい理由を回答してください。",
                n=len(left),
            ),
            state=release.state,
            allowed=["submit", "withdraw"],
            findings=[{"file_id": f.file_id, "kind": f.kind, "column": f.column, "count": f.count} for f in left],
        )


def missing(listing: Listing, files: Sequence[File]) -> dict[str, Words]:
    """What a listing still owes before it can be submitted, by step: description, files, class, offers, declaration."""
    owed: dict[str, Words] = {}
    if not listing.data_class:
        owed["data_class"] = text("データ区分を選んでください。")
    states = {file.state for file in files}
    if states & {"uploading", "reading"}:
        owed["files"] = text("送信中または読取中のファイルがあります。終わるのを待つか、取り除いてください。")
    elif "ready" not in states:
        owed["files"] = text("読み取れたファイルが1つ以上必要です。")
    if not listing.pricing_models:
        owed["offers"] = text("提供条件を1つ以上設定してください。")
    if not listing.declared_at:
        owed["declaration"] = text("提供する権限があることの宣言が必要です。")
    return owed


def _complete(listing: Listing, release: Release, files: Sequence[File]) -> None:
    if owed := missing(listing, files):
        raise NotComplete(
            next(iter(owed.values())),
            state=release.state,
            allowed=["submit", "withdraw"],
            missing={step: str(words) for step, words in owed.items()},
        )


def publish(listing: Listing, *, by: Member, at: datetime) -> Listing:
    """release: submitted → published, and its listing with it. From here on its files never change.

    Refuses: others than approvers, providers no longer verified, what was decided meanwhile (`WrongState`).
    """
    locked(listing)
    _must_review(by)
    release = unpublished(listing)
    moved = _moved(listing, release, "publish")
    if not listing.provider.is_verified:
        raise Conflict(text("提供者の組織の確認が停止されているため、公開できません。"))
    first = listing.published_at is None
    listing.state, release.state = moved
    release.published_at = listing.updated_at = at
    listing.published_at = listing.published_at or at
    _summarize(listing, _kept(release))
    _forget_rows(_kept(release))
    note(listing, "publish", by=by, at=at, release=release)
    _tell_provider(
        listing, text("掲載が公開されました: %(title)s", title=listing.title), text("カタログに表示されています。"), at
    )
    if not first:
        _tell_buyers(listing, release, at)
    return _fresh(listing)


def _must_review(by: Member) -> None:
    if not (by.is_operator and rules.may_review(by)):
        raise Forbidden(text("掲載の審査は、運営者の審査担当だけが行えます。"))


def _summarize(listing: Listing, files: Sequence[File]) -> None:
    """What the catalogue shows of the newest release."""
    ready = [file for file in files if file.state == "ready"]
    listing.formats = sorted({file.format for file in ready if file.format})
    scores = [file.quality for file in ready if file.quality is not None]
    listing.quality = sum(scores) // len(scores) if scores else None
    index(listing)


def _forget_rows(files: Sequence[File]) -> None:
    """Of files that stay in their holder's own bucket, keep here what the holder released, and no other value."""
    for file in files:
        if file.place_id is None:
            continue
        shown = set(file.released_columns) if file.released_rows else set()
        names = [str(column["name"]) for column in file.columns]
        file.sample = [
            [cell if name in shown else "" for name, cell in zip(names, row, strict=False)]
            for row in file.sample[: file.released_rows]
        ]
        file.columns = [
            column if name in shown else column | {"example": None}
            for name, column in zip(names, file.columns, strict=True)
        ]


def return_(listing: Listing, *, reason: str, by: Member, at: datetime) -> Listing:
    """release: submitted → draft, and a listing never published with it. The provider reads why."""
    locked(listing)
    _must_review(by)
    release = unpublished(listing)
    moved = _moved(listing, release, "return")
    words = checked_reason(reason)
    listing.state, release.state = moved
    listing.submitted_at = release.submitted_at = None
    note(listing, "return", by=by, at=at, release=release, reason=words)
    _tell_provider(
        listing,
        text("掲載が差し戻されました: %(title)s", title=listing.title),
        text("理由: %(reason)s", reason=words),
        at,
    )
    return _fresh(listing)


def withdraw(listing: Listing, *, reason: str, by: Member, at: datetime) -> Listing:
    """listing: draft, submitted or published → withdrawn. Running contracts keep their rights; buyers are told."""
    locked(listing)
    if not (rules.may_prepare(by, listing.provider_id) or (by.is_operator and rules.may_review(by))):
        raise Forbidden(text("掲載の終了は、提供者の責任者またはデータ担当、もしくは運営者が行えます。"))
    state = rules.after(rules.LISTING, listing.state, "withdraw")
    words = checked_reason(reason)
    listing.state, listing.withdrawn_at, listing.updated_at = state, at, at
    note(listing, "withdraw", by=by, at=at, reason=words)
    title = text("掲載が終了しました: %(title)s", title=listing.title)
    if by.is_operator:
        _tell_provider(listing, title, text("理由: %(reason)s", reason=words), at)
    body = text("新しい契約は申し込めません。有効な契約の権利はそのまま続きます。理由: %(reason)s", reason=words)
    for organization_id in sorted(queries.subscribers(listing.id) - {listing.provider_id}):
        identity.notify(organization_id=organization_id, title=title, body=body, path="/desk/contracts", at=at)
    return _fresh(listing)


def checked_reason(reason: str) -> str:
    """A reason that can be shown; `Invalid` when empty, too long or unprintable."""
    if not reason.strip() or len(reason) > rules.REASON_LENGTH_MAX or not rules.printable(reason):
        raise Invalid(
            {"reason": [text("理由を1文字以上%(max)s文字以内で入力してください。", max=rules.REASON_LENGTH_MAX)]}
        )
    return reason.strip()


def _tell_provider(listing: Listing, title: Words, body: Words, at: datetime) -> None:
    identity.notify(
        organization_id=listing.provider_id,
        roles=["owner", "data_officer"],
        title=title,
        body=body,
        path=f"/desk/listings/{listing.id}",
        at=at,
    )


def _tell_buyers(listing: Listing, release: Release, at: datetime) -> None:
    title = text("新しい版が公開されました: %(title)s", title=listing.title)
    body = text("第%(n)s版が公開されました。%(note)s", n=release.number, note=release.note)
    for organization_id in sorted(queries.subscribers(listing.id) - {listing.provider_id}):
        identity.notify(organization_id=organization_id, title=title, body=body, path=f"/listings/{listing.id}", at=at)


def _fresh(listing: Listing) -> Listing:
    """The listing as it stands after the deed, loaded whole."""
    session.flush()
    session.expire(listing, ["releases"])
    return queries.listing_by_id(listing.id)

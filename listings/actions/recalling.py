"""Recalling a file that should not have gone out."""

from __future__ import annotations

from datetime import datetime

from exchange import jobs
from exchange.database import session
from exchange.errors import Forbidden, WrongState, text
from exchange.identity import actions as identity
from exchange.identity.models import Member
from listings import queries, registries, rules
from listings.actions.drafting import locked, note
from listings.actions.reviewing import checked_reason
from listings.models import File, Listing
from listings.registries import Recipient


def recall(file: File, *, reason: str, by: Member, at: datetime) -> list[Recipient]:
    """Stop a published file from going out, at once; who received it.

    New links are refused from here on; a job moves the objects, so that links already issued end within seconds.
    Provider and everyone under contract on the listing are told. Refuses: others than provider and administrators
    (`Forbidden`), files that are not published or recalled already (`WrongState`).
    """
    listing = queries.listing_by_id(file.listing_id)
    locked(listing)
    if not (rules.may_prepare(by, listing.provider_id) or rules.may_review(by)):
        raise Forbidden(text("ファイルの回収は、提供者の責任者またはデータ担当、もしくは運営者が行えます。"))
    session.refresh(file, attribute_names=["recalled_at", "state"], with_for_update=True)
    _may_be_recalled(file)
    file.recalled_at, file.recall_reason = at, checked_reason(reason)
    file.released_rows = 0
    note(listing, "recall", by=by, at=at, release=file.release, reason=reason, file_id=file.id)
    jobs.enqueue("seal-recalled-file", {"file_id": file.id}, at=at, key=f"seal-recalled-file/{file.id}")
    _tell(listing, file, by, at)
    return recipients(file)


def _may_be_recalled(file: File) -> None:
    if file.recalled_at is not None:
        raise WrongState(text("このファイルはすでに回収されています。"), state="recalled", allowed=[])
    if file.state != "ready" or file.release.state != "published":
        raise WrongState(
            text("公開していないファイルは回収できません。取り除いてください。"),
            state=file.release.state,
            allowed=["remove"],
        )


def recipients(file: File) -> list[Recipient]:
    """Who received a file, as delivery knows it."""
    found = [recipient for source in registries.RECIPIENTS for recipient in source(file)]
    return sorted(found, key=lambda r: (-r.delivered_bytes, r.organization))


def _tell(listing: Listing, file: File, by: Member, at: datetime) -> None:
    title = text("ファイルが回収されました: %(name)s", name=file.name)
    body = text(
        "「%(listing)s」のファイル「%(name)s」が回収されました。新しい取得はできません。理由: %(reason)s",
        listing=listing.title,
        name=file.name,
        reason=file.recall_reason,
    )
    path = f"/desk/listings/{listing.id}/files/{file.id}"
    identity.notify(
        organization_id=listing.provider_id, roles=["owner", "data_officer"], title=title, body=body, path=path, at=at
    )
    asked = text("%(body)s 取得済みのファイルの利用を止め、削除してください。", body=body)
    for organization_id in sorted(queries.subscribers(listing.id) - {listing.provider_id}):
        identity.notify(organization_id=organization_id, title=title, body=asked, path=f"/listings/{listing.id}", at=at)
    if not by.is_operator:
        identity.notify_operators(roles=["approver"], title=title, body=body, path=f"/listings/{listing.id}", at=at)

"""What contracts put on the pages of others: offers on the listing page, tasks and menu on the desk, the queue."""

from typing import Any

from flask import render_template
from markupsafe import Markup

from contracts import actions, guideline, queries, schemas
from contracts.guideline import open_terms
from contracts.pages import participation, reviews, shown
from exchange import clock
from exchange.config import config
from exchange.errors import Words, text
from exchange.identity.models import Member
from exchange.identity.rules import has_role
from exchange.web import desk, slots
from exchange.web.access import me_or_none
from exchange.web.presentation import weekday_date
from listings import registries
from listings.models import Listing


def show() -> None:
    """Fill slots, registries, menu, tasks and figures; write the terms of participation."""
    participation.show()
    slots.fill("listing.offers", offers_panel)
    slots.fill("listing.apply", apply_button)
    slots.fill("reviews.foot", interests_link)
    registries.SUBSCRIBERS[:] = [queries.subscribers]
    registries.SOLD_BY_USE[:] = [queries.is_sold_by_use]
    registries.OFFERS[:] = [schemas.offers_for_listing]
    registries.OFFER_EDITOR[:] = [offer_editor]
    registries.REVIEWS[:] = [reviews.waiting]
    desk.menu_item(text("契約"), "/desk/contracts", roles=("*",), operator_roles=("*",), order=30)
    desk.task_source(_tasks)
    desk.figure_source(_figures)
    desk.home_figure(_home)


def offer_editor(listing: Listing) -> str:
    """Where a listing's offers are set."""
    return f"/desk/listings/{listing.id}/offers"


def interests_link() -> Markup:
    """Where administrators declare whom they cannot decide about."""
    words = text("利害関係のある組織を申告する")
    return Markup('<p><a href="/desk/reviews/interests">{}</a></p>').format(str(words))


def offers_panel(*, listing: Listing, **_: Any) -> Markup | None:
    """The offers side by side, with what an example month costs and where to apply."""
    member, taken = me_or_none(), taken_words(listing)
    offers = queries.offers_seen_by(member, listing)
    if not offers:
        return None
    running = queries.in_force(member.organization_id, listing.id) if member else []
    return Markup(
        render_template(
            "contracts/parts/offers.html",
            listing=listing,
            offers=[_offer(offer, listing, taken) for offer in offers],
            running=running,
            said=shown.said,
        )
    )


def apply_button(*, listing: Listing, **_: Any) -> Markup | None:
    """The page's main action where there is one offer to apply for; where there are more, the reader compares first.

    Where somebody has the listing exclusively, until when, instead.
    """
    offers, taken = queries.offers_seen_by(me_or_none(), listing), taken_words(listing)
    if taken and listing.state == "published":
        return Markup(render_template("contracts/parts/taken.html", words=taken))
    if listing.state != "published" or len(offers) != 1 or _refusal(offers[0], listing):
        return None
    return Markup(render_template("contracts/parts/apply.html", offer=offers[0]))


def taken_words(listing: Listing) -> Words | None:
    """That nobody can apply, since somebody else than the reader has the listing exclusively, and until when."""
    taken, member = queries.exclusive_on(listing.id), me_or_none()
    if taken is None or (member is not None and member.organization_id == taken.buyer_id):
        return None
    if taken.ends_on is None:
        return text("独占的な契約が結ばれているため、その契約が終わるまで申し込めません。")
    return text("独占的な契約が結ばれているため、%(day)s まで申し込めません。", day=weekday_date(taken.ends_on))


def _offer(offer: Any, listing: Listing, taken: Words | None) -> dict[str, Any]:
    template = guideline.template(offer.template_key)
    lines = open_terms.attribution_lines(
        template,
        title=listing.title,
        provider=listing.provider.name,
        url=f"{config().url}/listings/{listing.id}",
        day=clock.today(),
    )
    return {
        "offer": offer,
        "template": template,
        "price": shown.price(offer.pricing),
        "attribution": [shown.said(line) for line in lines],
        "refusal": (None if template.is_open else taken) or _refusal(offer, listing),
    }


def _refusal(offer: Any, listing: Listing) -> Any:
    """Why who reads this cannot apply; None for strangers, who are asked to sign in first."""
    member = me_or_none()
    if member is None or guideline.template(offer.template_key).is_open:
        return None
    offer.listing = listing
    return actions.may_request(offer, member)


def _tasks(member: Member) -> list[desk.Task]:
    if not member.is_operator:
        return [*_answers(member), *_deletions(member), *_renewals(member)]
    if not has_role(member, "approver"):
        return []
    waiting = queries.waiting_for(member)
    return [desk.Task(text("契約の承認"), waiting.count, waiting.oldest_at, "/desk/reviews")]


def _answers(member: Member) -> list[desk.Task]:
    kinds = (
        (text("回答を待っている契約"), queries.waiting_for(member), True),
        (text("責任者の確認を待っている申込み"), queries.confirmations_for(member), True),
        (text("記名押印・電子署名の記録を待っている契約"), queries.signatures_for(member), False),
    )
    where = "/desk/contracts?group=open"
    return [
        desk.Task(title, found.count, found.oldest_at, where, found.answer_by if lapses else None)
        for title, found, lapses in kinds
    ]


def _deletions(member: Member) -> list[desk.Task]:
    duties = queries.deletions_due(member.organization_id)
    if not duties:
        return []
    first = duties[0]
    where = f"/desk/contracts/{first.contract_id}" if len(duties) == 1 else "/desk/contracts?group=over"
    return [desk.Task(text("提供データの消去の報告"), len(duties), first.contract.ended_at, where, first.due_on)]


def _renewals(member: Member) -> list[desk.Task]:
    near = queries.renewals_near(member.organization_id, clock.today())
    if not near:
        return []
    where = "/desk/contracts?group=running"
    return [desk.Task(text("まもなく更新の時期を迎える契約"), len(near), None, where, near[0].last_notice)]


def _figures(member: Member) -> list[desk.Figure]:
    if member.is_operator:
        return []
    count = queries.running_count(member)
    return [desk.Figure(text("契約中"), str(count), "/desk/contracts?group=running")] if count else []


def _home() -> desk.Figure:
    return desk.Figure(text("成立した契約"), f"{queries.active_count():,}")

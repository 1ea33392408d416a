"""What contracts put on the pages of others: offers on the listing page, tasks and menu on the desk, the queue."""

from typing import Any

from flask import render_template
from markupsafe import Markup

from contracts import actions, guideline, queries, schemas
from contracts.guideline import open_terms
from contracts.pages import participation, reviews, shown
from exchange import clock
from exchange.config import config
from exchange.errors import text
from exchange.identity.models import Member
from exchange.identity.rules import has_role
from exchange.web import desk, slots
from exchange.web.access import me_or_none
from listings import registries
from listings.models import Listing


def show() -> None:
    """Fill slots, registries, menu, tasks and figures; write the terms of participation."""
    participation.show()
    slots.fill("listing.offers", offers_panel)
    slots.fill("listing.apply", apply_button)
    registries.SUBSCRIBERS[:] = [queries.subscribers]
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


def offers_panel(*, listing: Listing, **_: Any) -> Markup | None:
    """The offers side by side, with what an example month costs and where to apply."""
    offers = queries.offers_seen_by(me_or_none(), listing)
    if not offers:
        return None
    member = me_or_none()
    running = queries.in_force(member.organization_id, listing.id) if member else []
    return Markup(
        render_template(
            "contracts/parts/offers.html",
            listing=listing,
            offers=[_offer(offer, listing) for offer in offers],
            running=running,
            said=shown.said,
        )
    )


def apply_button(*, listing: Listing, **_: Any) -> Markup | None:
    """The page's main action where there is one offer to apply for; where there are more, the reader compares first."""
    offers = queries.offers_seen_by(me_or_none(), listing)
    if listing.state != "published" or len(offers) != 1 or _refusal(offers[0], listing):
        return None
    return Markup(render_template("contracts/parts/apply.html", offer=offers[0]))


def _offer(offer: Any, listing: Listing) -> dict[str, Any]:
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
        "refusal": _refusal(offer, listing),
    }


def _refusal(offer: Any, listing: Listing) -> Any:
    """Why who reads this cannot apply; None for strangers, who are asked to sign in first."""
    member = me_or_none()
    if member is None or guideline.template(offer.template_key).is_open:
        return None
    offer.listing = listing
    return actions.may_request(offer, member)


def _tasks(member: Member) -> list[desk.Task]:
    if member.is_operator and not has_role(member, "approver"):
        return []
    waiting = queries.waiting_for(member)
    if member.is_operator:
        return [desk.Task(text("契約の承認"), waiting.count, waiting.oldest_at, "/desk/reviews")]
    where = "/desk/contracts?group=open"
    return [desk.Task(text("回答を待っている契約"), waiting.count, waiting.oldest_at, where, waiting.answer_by)]


def _figures(member: Member) -> list[desk.Figure]:
    if member.is_operator:
        return []
    count = queries.running_count(member)
    return [desk.Figure(text("契約中"), str(count), "/desk/contracts?group=running")] if count else []


def _home() -> desk.Figure:
    return desk.Figure(text("成立した契約"), f"{queries.active_count():,}")

"""A draft of an offer, one topic a page: saved on the way on, left and resumed at will, the text beside it."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from contracts import actions, guideline
from contracts.guideline import parts
from contracts.guideline.topics import Topic
from contracts.models import Offer
from contracts.pages import fields, progress, reading, shown, topic_forms
from contracts.pages.offers import own_offer, preparing
from exchange import clock
from exchange.errors import NotFound
from exchange.web.access import me
from exchange.web.forms import attempt

blueprint = Blueprint("offer_topics", __name__, url_prefix="/desk/listings/<listing_id>/offers/<offer_id>/topics")
NEXT, HERE, LATER = "next", "here", "later"


@blueprint.route("/<key>", methods=["GET", "POST"])
@preparing
def topic(listing_id: str, offer_id: str, key: str) -> Any:
    """Settle a topic. Going on saves it and marks it done; showing it anew, or leaving, saves it."""
    draft = own_offer(listing_id, offer_id)
    found = _topic(draft, key)
    if draft.state != "draft":
        return redirect(url_for("offers.show", listing_id=listing_id, offer_id=offer_id), 303)
    form = topic_forms.form_of(draft, found)
    then = request.form.get("then", NEXT)
    if form.validate_on_submit():
        with attempt(form) as tried:
            change = topic_forms.change_of(form, draft, found)
            done = found.key if then == NEXT else None
            actions.revise_offer(draft, change, looked_at=done, by=me(), at=clock.now())
        if tried.ok:
            return redirect(_following(draft, found, then), 303)
    return _page(draft, found, form), 422 if form.errors else 200


def _topic(draft: Offer, key: str) -> Topic:
    found = next((t for t in progress.topics_of(draft) if t.key == key), None)
    if found is None:
        raise NotFound()
    return found


def _following(draft: Offer, topic: Topic, then: str) -> str:
    if then == HERE:
        return progress.address(draft, topic.key) + "#reading"
    if then == LATER:
        return url_for("offers.show", listing_id=draft.listing_id, offer_id=draft.id)
    steps = progress.steps(draft)
    return str(steps[_place(steps, topic) + 1]["url"])


def _place(steps: list[dict[str, Any]], topic: Topic) -> int:
    return [step["key"] for step in steps].index(topic.key)


def _page(draft: Offer, topic: Topic, form: Any) -> str:
    template, steps = guideline.template(draft.template_key), progress.steps(draft)
    place = _place(steps, topic)
    before = (
        steps[place - 1]["url"] if place else url_for("offers.show", listing_id=draft.listing_id, offer_id=draft.id)
    )
    others = topic_forms.elsewhere(draft, topic)
    return render_template(
        "contracts/offer_topic.html",
        form=form,
        offer=draft,
        listing=draft.listing,
        template=template,
        topic=topic,
        steps=steps,
        place=place,
        before=before,
        others=[v for v in others if form[fields.PREFIX + v.key].errors or fields.was_sent(v)],
        standard=parts.defaults(template, reading.deal_of(draft)),
        price_fields=fields.names_of_price(draft.pricing["model"]) if topic.kind == "price" else [],
        tier_rows=range(fields.TIER_ROWS) if draft.pricing["model"] == "metered" else [],
        left=progress.left(draft),
        reading=_read(draft, topic, form),
        said=shown.said,
    )


def _read(draft: Offer, topic: Topic, form: Any) -> reading.Reading:
    chosen, _ = topic_forms.typed(form, draft, topic)
    return reading.of(draft, chosen, buyer=draft.for_organization, articles=topic.articles)


@blueprint.post("/<key>/reading")
@preparing
def read(listing_id: str, offer_id: str, key: str) -> Any:
    """The text of a topic as it would read with what is chosen; saves nothing. The page's script asks for it."""
    draft = own_offer(listing_id, offer_id)
    found = _topic(draft, key)
    shown_ = _read(draft, found, topic_forms.form_of(draft, found))
    return render_template("contracts/parts/reading.html", reading=shown_, topic=found)

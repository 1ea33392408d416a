"""A provider's offers on a listing: see them, begin one, look it through and open it, discard it, close one."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import RadioField
from wtforms.validators import DataRequired

from contracts import actions, guideline, pricing, queries
from contracts.actions import proposals
from contracts.guideline.parts import Template
from contracts.models import Offer
from contracts.pages import progress, reading, shown
from exchange import clock
from exchange.errors import NotFound, text
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from listings import queries as listings
from listings import rules as listing_rules
from listings.models import Listing

blueprint = Blueprint("offers", __name__, url_prefix="/desk/listings/<listing_id>/offers")
preparing = signed_in("owner", "data_officer")
reading_along = signed_in("owner", "data_officer", "accountant", "viewer")
MODEL_WORDS = {
    "free": (text("無料"), text("対価を求めません。")),
    "one_off": (text("一括"), text("契約ごとに一度だけ支払います。")),
    "subscription": (text("定額"), text("毎月または毎年、同じ額を支払います。")),
    "metered": (text("従量"), text("取得した量に応じて支払います。段階、無料枠、上限を決められます。")),
    "revenue_share": (text("売上配分"), text("利用者の売上の一部を受け取ります。毎月の報告が必要です。")),
}


class ModelForm(Form):
    """How the price is made up."""

    model = RadioField(
        text("対価の決め方"), validators=[DataRequired(text("対価の決め方を選んでください。"))], validate_choice=False
    )


def own(listing_id: str) -> Listing:
    """A listing of one's own organization."""
    listing = listings.listing_seen_by(me(), listing_id)
    if listing.provider_id != me().organization_id:
        raise NotFound()
    return listing


def own_offer(listing_id: str, offer_id: str) -> Offer:
    """An offer on a listing of one's own organization, in any state."""
    offer = queries.offer_seen_by(me(), offer_id)
    if offer.listing_id != own(listing_id).id:
        raise NotFound()
    return offer


@blueprint.get("")
@reading_along
def index(listing_id: str) -> Any:
    """The offers of a listing: drafts to go on with, open ones, closed ones."""
    listing = own(listing_id)
    offers = sorted(
        queries.offers_of(listing.id, closed=True), key=lambda o: ("draft", "open", "closed").index(o.state)
    )
    return render_template(
        "contracts/offers.html",
        listing=listing,
        offers=[(o, _price(o), guideline.template(o.template_key)) for o in offers],
        may_prepare=listing_rules.may_prepare(me(), listing.provider_id),
        said=shown.said,
    )


def _price(offer: Offer) -> shown.Price | None:
    return shown.price(offer.pricing) if offer.has_price else None


@blueprint.get("/choose")
@preparing
def choose(listing_id: str) -> Any:
    """First: which template, that is, what is to be done with the data."""
    listing = own(listing_id)
    templates = [t for t in guideline.TEMPLATES.values() if t.is_offered]
    return render_template(
        "contracts/offer_choose.html",
        listing=listing,
        is_city=listing.provider.kind == "municipality",
        contracts=[(t, _no_way(listing, t)) for t in templates if not t.is_open],
        open_terms=[(t, _no_way(listing, t)) for t in templates if t.is_open],
        said=shown.said,
    )


def _no_way(listing: Listing, template: Template) -> list[Any]:
    """Why no price model at all goes with a template on this listing; empty where one does."""
    found = [proposals.obstacles(listing, template, model) for model in _models(template)]
    return [] if not all(found) else found[0]


def _models(template: Template) -> tuple[str, ...]:
    return ("free",) if template.is_open else pricing.MODELS


@blueprint.route("/new", methods=["GET", "POST"])
@preparing
def new(listing_id: str) -> Any:
    """Second: how the price is made up. Then there is a draft, and topics are settled one by one."""
    listing, template = own(listing_id), guideline.template(request.args.get("template") or "")
    if not template.is_offered:
        raise NotFound()
    ways = {model: proposals.obstacles(listing, template, model) for model in _models(template)}
    form: Any = ModelForm(data={"model": "free" if template.is_open else None})
    form.model.choices = [(model, _model_words(model)) for model, why in ways.items() if not why]
    if form.validate_on_submit():
        with attempt(form) as tried:
            draft = actions.draft_offer(
                listing, template=template.key, price_model=form.model.data, by=me(), at=clock.now()
            )
        if tried.ok:
            return redirect(progress.address(draft, progress.topics_of(draft)[0].key), 303)
    closed = [(MODEL_WORDS[model][0], " ".join(str(words) for words in why)) for model, why in ways.items() if why]
    page = render_template(
        "contracts/offer_new.html", form=form, listing=listing, template=template, closed=closed, said=shown.said
    )
    return page, 422 if form.errors else 200


def _model_words(model: str) -> str:
    name, about = MODEL_WORDS[model]
    return _("%(name)s：%(about)s", name=name, about=about)


@blueprint.get("/<offer_id>")
@reading_along
def show(listing_id: str, offer_id: str) -> Any:
    """A draft: its topics, and what of them is still to be looked at. Any other offer: what it says."""
    offer = own_offer(listing_id, offer_id)
    page = "contracts/offer_draft.html" if offer.state == "draft" else "contracts/offer_show.html"
    may_prepare = listing_rules.may_prepare(me(), offer.listing.provider_id)
    return render_template(page, **_whole(offer), may_prepare=may_prepare)


def _whole(offer: Offer) -> dict[str, Any]:
    """Everything that an offer says."""
    return {
        "offer": offer,
        "listing": offer.listing,
        "template": guideline.template(offer.template_key),
        "price": _price(offer),
        "steps": progress.steps(offer),
        "changed": reading.changed(offer),
        "left": progress.left(offer),
        "points": progress.points(offer),
        "unanswered": progress.unanswered(offer),
        "reading": reading.of(offer, buyer=offer.for_organization),
        "said": shown.said,
    }


@blueprint.route("/<offer_id>/open", methods=["GET", "POST"])
@preparing
def open_(listing_id: str, offer_id: str) -> Any:
    """Last: everything on one page, what is still missing with the way there, and the button."""
    draft = own_offer(listing_id, offer_id)
    if draft.state != "draft":
        return _back(listing_id)
    form = Form()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.open_offer(draft, by=me(), at=clock.now())
        if tried.ok:
            flash(_("提供条件を公開しました。"), "success")
            return _back(listing_id)
    missing = progress.missing(draft, by=me())
    page = render_template("contracts/offer_open.html", form=form, missing=missing, **_whole(draft))
    return page, 422 if form.errors else 200


@blueprint.route("/<offer_id>/discard", methods=["GET", "POST"])
@preparing
def discard(listing_id: str, offer_id: str) -> Any:
    """Throw a draft away, after a page that says what that means."""
    draft = own_offer(listing_id, offer_id)
    done = _("下書きを破棄しました。")
    return _confirmed(draft, "draft", actions.discard_offer, page="contracts/offer_discard.html", done=done)


@blueprint.route("/<offer_id>/close", methods=["GET", "POST"])
@preparing
def close(listing_id: str, offer_id: str) -> Any:
    """Close an offer, after a page that says what that means."""
    offer = own_offer(listing_id, offer_id)
    done = _("提供条件を終了しました。")
    return _confirmed(offer, "open", actions.close_offer, page="contracts/offer_close.html", done=done)


def _confirmed(offer: Offer, state: str, end: Callable[..., Any], *, page: str, done: str) -> Any:
    """A page that asks, and the deed once it is confirmed; back to the offers where there is nothing to end."""
    if offer.state != state:
        return _back(offer.listing_id)
    form = Form()
    if form.validate_on_submit():
        with attempt(form) as tried:
            end(offer, by=me(), at=clock.now())
        if tried.ok:
            flash(done, "success")
            return _back(offer.listing_id)
    return render_template(page, form=form, listing=offer.listing, offer=offer), 422 if form.errors else 200


def _back(listing_id: str) -> Response:
    return redirect(url_for("offers.index", listing_id=listing_id), 303)

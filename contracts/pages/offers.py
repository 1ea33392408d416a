"""A provider's offers on a listing: see them, add one, close one."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired

from contracts import actions, guideline, pricing, queries
from contracts.actions.offers import BASIS_LENGTH_MAX, NAME_LENGTH_MAX
from contracts.guideline import parts
from contracts.guideline.parts import Deal, Template
from contracts.pages import fields, shown
from exchange import clock
from exchange.errors import NotFound, text
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from listings import queries as listings
from listings.models import Listing

blueprint = Blueprint("offers", __name__, url_prefix="/desk/listings/<listing_id>/offers")
preparing = signed_in("owner", "data_officer")
MODEL_WORDS = {
    "free": (text("無料"), text("対価を求めません。")),
    "one_off": (text("一括"), text("契約ごとに一度だけ支払います。")),
    "subscription": (text("定額"), text("毎月または毎年、同じ額を支払います。")),
    "metered": (text("従量"), text("取得した量に応じて支払います。段階、無料枠、上限を決められます。")),
    "revenue_share": (text("売上配分"), text("利用者の売上の一部を受け取ります。毎月の報告が必要です。")),
}


class OfferForm(Form):
    """Name and, for a municipality, the ground of its price."""

    name = StringField(
        text("提供条件の名前"),
        description=text("利用者が選ぶときに見る名前です。例：標準、研究用、商用"),
        validators=[DataRequired(text("名前を入力してください。")), fields.longest(NAME_LENGTH_MAX)],
    )


class MunicipalOfferForm(OfferForm):
    """A municipality's price names its ground."""

    price_basis = TextAreaField(
        text("対価の根拠"),
        description=text("条例、財産の貸付け、契約など、対価を受け取る根拠です。"),
        validators=[fields.longest(BASIS_LENGTH_MAX)],
    )


def own(listing_id: str) -> Listing:
    """A listing of one's own organization."""
    listing = listings.listing_seen_by(me(), listing_id)
    if listing.provider_id != me().organization_id:
        raise NotFound()
    return listing


@blueprint.get("")
@signed_in("owner", "data_officer", "accountant", "viewer")
def index(listing_id: str) -> Any:
    """The offers of a listing, open and closed."""
    listing = own(listing_id)
    offers = queries.offers_of(listing.id, closed=True)
    return render_template(
        "contracts/offers.html",
        listing=listing,
        offers=[(offer, shown.price(offer.pricing), guideline.template(offer.template_key)) for offer in offers],
        said=shown.said,
    )


@blueprint.get("/choose")
@preparing
def choose(listing_id: str) -> Any:
    """First step: which template, which price model."""
    listing = own(listing_id)
    is_city = listing.provider.kind == "municipality"
    templates = guideline.TEMPLATES.values()
    return render_template(
        "contracts/offer_choose.html",
        listing=listing,
        models=[(key, *words) for key, words in MODEL_WORDS.items() if not is_city or key == "free"],
        is_city=is_city,
        contracts=[t for t in templates if t.is_offered and not t.is_open],
        open_terms=[t for t in templates if t.is_open],
        said=shown.said,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@preparing
def new(listing_id: str) -> Any:
    """Second step: the price and what the provider chooses; everything has a lawful default."""
    listing = own(listing_id)
    template, model = _asked()
    deal = Deal(model, listing.provider.kind, listing.data_class or "")
    variables = [v for v in template.variables if v.chooser == "provider"]
    standing = parts.defaults(template, deal)
    form = _form(listing, template, model, variables, standing)
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.add_offer(
                listing,
                name=form["name"].data,
                template=template.key,
                price=fields.price_of(form, model),
                variables=fields.chosen(form, variables, standing),
                price_basis=form["price_basis"].data if "price_basis" in form else None,
                by=me(),
                at=clock.now(),
            )
        if tried.ok:
            flash(_("提供条件を追加しました。"), "success")
            return redirect(url_for("offers.index", listing_id=listing.id), 303)
    page = render_template(
        "contracts/offer_new.html",
        form=form,
        listing=listing,
        template=template,
        model=model,
        model_words=MODEL_WORDS[model],
        price_fields=[fields.PRICE + name for name in fields.MODEL_FIELDS[model]],
        tier_rows=range(fields.TIER_ROWS) if model == "metered" else [],
        groups=[(c, [v for v in template.of_article(c.article) if v in variables]) for c in template.clauses],
        said=shown.said,
    )
    return page, 422 if form.errors else 200


def _asked() -> tuple[Template, str]:
    """The template and price model that the first step chose."""
    template = guideline.template(request.args.get("template") or "")
    model = "free" if template.is_open else request.args.get("model") or "free"
    if model not in pricing.MODELS or not template.is_offered:
        raise NotFound()
    return template, model


def _form(listing: Listing, template: Template, model: str, variables: Any, standing: Any) -> Any:
    base = MunicipalOfferForm if listing.provider.kind == "municipality" and model != "free" else OfferForm
    kind = fields.with_variables(fields.with_price(base, model), variables)
    name = shown.said(template.name) if template.is_open else _("標準")
    prices = {fields.PRICE + key: value for key, value in fields.DEFAULTS.items()}
    return kind(data={"name": name, **prices, **fields.standing_data(variables, standing)})


@blueprint.route("/<offer_id>/close", methods=["GET", "POST"])
@preparing
def close(listing_id: str, offer_id: str) -> Any:
    """Close an offer, after a page that says what that means."""
    listing = own(listing_id)
    offer = queries.offer_seen_by(me(), offer_id)
    if offer.listing_id != listing.id:
        raise NotFound()
    if offer.state != "open":
        return _back(listing)
    form = Form()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.close_offer(offer, by=me(), at=clock.now())
        if tried.ok:
            flash(_("提供条件を終了しました。"), "success")
            return _back(listing)
    return render_template(
        "contracts/offer_close.html", form=form, listing=listing, offer=offer
    ), 422 if form.errors else 200


def _back(listing: Listing) -> Response:
    return redirect(url_for("offers.index", listing_id=listing.id), 303)

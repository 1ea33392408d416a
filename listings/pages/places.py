"""A holder's own storage places on the desk: what they are, what was found there, what to do."""

import json
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import Length, Optional

from exchange import clock
from exchange.errors import Words, text
from exchange.identity.rules import has_role
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt
from listings import actions, held, places, queries
from listings.models import StoragePlace
from listings.pages.forms import choices, longest, required

blueprint = Blueprint("places", __name__, url_prefix="/desk/places")
STATES: dict[str, tuple[Words, str]] = {
    "checking": (text("確認中"), "warning"),
    "usable": (text("使えます"), "success"),
    "refused": (text("使えません"), "error"),
    "closed": (text("登録終了"), "warning"),
}


class ChangeForm(Form):
    """What may change of a place. The secret is never filled in."""

    name = StringField(text("名前"), validators=[required(), longest(places.NAME_LENGTH_MAX)])
    role_arn = StringField(text("ロールのARN"), validators=[Optional(), longest(200)])
    access_key = StringField(text("アクセスキーID"), validators=[Optional(), longest(128)])
    secret_key = PasswordField(text("シークレットアクセスキー"), validators=[Optional(), Length(max=256)])
    probe_key = StringField(text("確認用のファイルのキー"), validators=[required(), longest(1_024)])
    log_source = SelectField(
        text("アクセスログの種類"),
        choices=choices(places.LOG_SOURCES, empty=text("バケットの設定から調べる")),
        validate_choice=False,
    )
    log_location = StringField(text("アクセスログの置き場所"), validators=[Optional(), longest(600)])
    accepts_wide = BooleanField(text("権限を絞れない保管庫のため、広い権限のまま使うことを承知しています"))


class PlaceForm(ChangeForm):
    """A new place."""

    kind = RadioField(
        text("アクセスの方法"),
        choices=choices(places.KINDS),
        default="role",
        validate_choice=False,
        validators=[required()],
    )
    endpoint_url = StringField(text("接続先（AWSでない場合）"), validators=[Optional(), longest(300)])
    region = StringField(text("リージョン"), validators=[required(), longest(40)], default="ap-northeast-1")
    bucket = StringField(text("バケット名"), validators=[required(), longest(63)])
    prefix = StringField(text("場所（プレフィックス）"), validators=[required(), longest(500)])


@blueprint.get("")
@signed_in("owner", "data_officer")
def index() -> Any:
    """Own places."""
    found = queries.places_of(me().organization_id)
    return render_template("listings/places/index.html", places=found, states=STATES, kinds=places.KINDS, may=_may())


def _may() -> bool:
    return has_role(me(), "owner")


@blueprint.route("/new", methods=["GET", "POST"])
@signed_in("owner")
def new() -> Any:
    """Register a place; it is looked at in the background."""
    form = PlaceForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            place = actions.register_place(_fields(form), by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("places.show", place_id=place.id), 303)
    return render_template("listings/places/new.html", form=form), 422 if form.errors else 200


def _fields(form: Any) -> dict[str, Any]:
    return {name: value for name, value in form.data.items() if name != "csrf_token"}


@blueprint.get("/<place_id>")
@signed_in("owner", "data_officer")
def show(place_id: str) -> Any:
    """What was found there, what to do about it, and what to set on the holder's side."""
    place = queries.place_seen_by(me(), place_id)
    return render_template(
        "listings/places/show.html",
        place=place,
        state=STATES[place.state],
        checks=places.told(place.checks),
        kinds=places.KINDS,
        sources=places.LOG_SOURCES,
        permissions=_written(held.permissions(place)),
        trust=_written(held.trust(place)) if place.kind == "role" else None,
        may=_may() and place.state != "closed",
    )


def _written(policy: dict[str, object]) -> str:
    return json.dumps(policy, ensure_ascii=False, indent=2)


@blueprint.route("/<place_id>/edit", methods=["GET", "POST"])
@signed_in("owner")
def edit(place_id: str) -> Any:
    """Change key, role, log or name."""
    place = queries.place_seen_by(me(), place_id)
    form = ChangeForm(obj=place)
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.change_place(place, _fields(form), by=me(), at=clock.now())
        if tried.ok:
            return redirect(url_for("places.show", place_id=place.id), 303)
        place = queries.place_seen_by(me(), place_id)
    return render_template("listings/places/edit.html", form=form, place=place), 422 if form.errors else 200


@blueprint.post("/<place_id>/check")
@signed_in("owner")
def check(place_id: str) -> Any:
    """Have it looked at again."""
    actions.look_again(queries.place_seen_by(me(), place_id), by=me(), at=clock.now())
    flash(str(text("もう一度確認しています。終わるとこのページの表示が変わります。")), "success")
    return redirect(url_for("places.show", place_id=place_id), 303)


@blueprint.route("/<place_id>/close", methods=["GET", "POST"])
@signed_in("owner")
def close(place_id: str) -> Any:
    """Close a place, after a page that says what that means."""
    place: StoragePlace = queries.place_seen_by(me(), place_id)
    form = Form()
    if form.validate_on_submit():
        with attempt(form) as tried:
            actions.close_place(place, by=me(), at=clock.now())
        if tried.ok:
            flash(str(text("保管場所の登録を終了しました。")), "success")
            return redirect(url_for("places.index"), 303)
        place = queries.place_seen_by(me(), place_id)
    return render_template("listings/places/close.html", form=form, place=place), 422 if form.errors else 200

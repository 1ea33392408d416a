"""Form fields for variables and prices, named as the API names them, so that a refusal finds its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length

from contracts.guideline.parts import TEXT_LENGTH_MAX, Variable, spoken
from exchange.errors import text
from exchange.web.forms import Form

TIER_ROWS = 5
PREFIX = "variables."


def longest(most: int) -> Length:
    """No more than so many characters."""
    return Length(max=most, message=text("%(most)s 文字以内で入力してください。", most=most))


def with_variables(base: type[Form], variables: Sequence[Variable]) -> type[Form]:
    """The form with a field for each variable, `variables.<key>`."""
    return type(base.__name__, (base,), {PREFIX + v.key: _field(v) for v in variables})


def _field(v: Variable) -> Any:
    label, help = spoken(v.label), spoken(v.help)
    if v.type == "choice":
        choices = [(c.key, spoken(c.label)) for c in v.choices]
        return SelectField(label, description=help, choices=choices, validate_choice=False)
    if v.type == "number":
        return StringField(label, description=help, render_kw={"inputmode": "numeric"}, validators=[longest(12)])
    if v.type == "date":
        return StringField(label, description=help, render_kw={"type": "date"}, validators=[longest(10)])
    return StringField(label, description=help, validators=[longest(TEXT_LENGTH_MAX)])


def chosen(form: Form, variables: Sequence[Variable], standing: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says of the variables, those that differ from how they stand."""
    found = {v.key: _value(v, form[PREFIX + v.key].data or "") for v in variables}
    return {key: value for key, value in found.items() if value != standing.get(key)}


def _value(v: Variable, typed: str) -> Any:
    """A number as a number; what is none stays text, for the rules to refuse in their own words."""
    if v.type == "number":
        return int(typed) if typed.isascii() and typed.isdigit() else typed
    return typed


def standing_data(variables: Sequence[Variable], values: Mapping[str, Any]) -> dict[str, Any]:
    """Field data for how the variables stand."""
    return {PREFIX + v.key: str(values[v.key]) for v in variables}


# ── prices ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _yen(label: text, description: text | None = None) -> StringField:
    return StringField(
        label, description=description or "", render_kw={"inputmode": "numeric"}, validators=[longest(20)]
    )


def _decimal(label: text, description: text | None = None) -> StringField:
    return StringField(
        label, description=description or "", render_kw={"inputmode": "decimal"}, validators=[longest(20)]
    )


def _select(label: text, choices: list[tuple[str, text]], description: text | None = None) -> SelectField:
    return SelectField(label, choices=choices, description=description or "", validate_choice=False)


PRICE = "pricing."
MODEL_FIELDS: dict[str, dict[str, Any]] = {
    "free": {},
    "one_off": {
        "price_jpy": _yen(text("価格（円・税抜）")),
        "payment": _select(
            text("請求の時期"),
            [("on_activation", text("契約の成立時に請求する")), ("prepaid", text("前払い（入金の確認後に引き渡す）"))],
        ),
    },
    "subscription": {
        "price_jpy": _yen(text("価格（円・税抜）"), text("月の途中で始まり、または終わる月は日割りです。")),
        "interval": _select(text("期間"), [("month", text("1か月")), ("year", text("1年"))]),
    },
    "metered": {
        "unit": _select(text("単位"), [("gigabyte", text("1 GB（10億バイト）")), ("download", text("1 回の取得"))]),
        "included_units": _yen(text("無料で使える量（1か月）"), text("この量を超えた分から課金します。なければ 0。")),
        "minimum_jpy": _yen(text("1か月の最低額（円）"), text("なければ 0。")),
        "cap_jpy": _yen(text("1か月の上限額（円）"), text("空欄にすると上限はありません。")),
        "repeat_reads": _select(
            text("同じ部分を再び読んだとき"),
            [("included", text("1か月に1回だけ数える")), ("charged", text("リンクごとに数える"))],
        ),
    },
    "revenue_share": {
        "share_percent": _decimal(text("売上に対する割合（%）")),
        "minimum_jpy": _yen(text("1か月の最低額（円）"), text("なければ 0。")),
    },
}
DEFAULTS = {"included_units": "0", "minimum_jpy": "0"}
WHOLE = frozenset({"price_jpy", "included_units", "minimum_jpy", "cap_jpy"})


def with_price(base: type[Form], model: str) -> type[Form]:
    """The form with the fields of a price model, `pricing.<name>`."""
    fields = {PRICE + name: field for name, field in MODEL_FIELDS[model].items()}
    if model == "metered":
        for n in range(TIER_ROWS):
            row = text("段階%(n)s", n=n + 1)
            up_to = text("%(row)s：この量まで", row=row)
            each = text("%(row)s：1単位の価格（円）", row=row)
            fields[f"{PRICE}tiers.{n}.up_to"] = _yen(up_to, text("最後の段階は空欄にします。"))
            fields[f"{PRICE}tiers.{n}.unit_price_jpy"] = _decimal(each)
    return type(base.__name__, (base,), fields)


def price_of(form: Form, model: str) -> dict[str, Any]:
    """The price as the API takes it; what is no number stays text, for the rules to refuse in their own words."""
    found: dict[str, Any] = {"model": model}
    for name in MODEL_FIELDS[model]:
        typed = (form[PRICE + name].data or "").replace(",", "")
        found[name] = _whole(typed) if name in WHOLE else typed
    if model == "metered":
        found["cap_jpy"] = found["cap_jpy"] if found["cap_jpy"] != "" else None
        found["tiers"] = _tiers(form)
    return found


def _whole(typed: str) -> Any:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 20 else typed


def _tiers(form: Form) -> list[dict[str, Any]]:
    rows = []
    for n in range(TIER_ROWS):
        up_to, each = (form[f"{PRICE}tiers.{n}.{name}"].data or "" for name in ("up_to", "unit_price_jpy"))
        if each or up_to:
            limit = _whole(up_to.replace(",", "")) if up_to else None
            rows.append({"up_to": limit, "unit_price_jpy": each.replace(",", "")})
    return rows or [{"up_to": None, "unit_price_jpy": ""}]


class ReasonForm(Form):
    """Why."""

    reason = TextAreaField(text("理由"), validators=[longest(1_000)])

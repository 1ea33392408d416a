"""Form fields for variables and prices, named as the API names them, so that a refusal finds its field."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask import request
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length

from contracts.guideline import checklist
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
    found = {v.key: value(v, form[PREFIX + v.key].data or "") for v in variables}
    return {key: value for key, value in found.items() if value != standing.get(key)}


def value(v: Variable, typed: str) -> Any:
    """A number as a number; what is none stays text, for the rules to refuse in their own words."""
    if v.type == "number":
        return int(typed) if typed.isascii() and typed.isdigit() else typed
    return typed


def standing_data(variables: Sequence[Variable], values: Mapping[str, Any]) -> dict[str, Any]:
    """Field data for how the variables stand."""
    return {PREFIX + v.key: str(values[v.key]) for v in variables}


# ── terms that a provider settles or leaves to the buyer ─────────────────────────────────────────────────────────────

LEAVE = "leave."
LEFT = "left-to-buyer"  # the choice of not choosing


def with_terms(base: type[Form], variables: Sequence[Variable], leavable: Collection[str]) -> type[Form]:
    """The form with `variables.<key>` for each variable; choices side by side, so that none is hidden in a list.

    What may be left to the buyer has one more choice or, where a value is typed, a checkbox `leave.<key>`.
    """
    fields: dict[str, Any] = {}
    for v in variables:
        fields[PREFIX + v.key] = _radios(v, v.key in leavable) if v.type == "choice" else _field(v)
        if v.type != "choice" and v.key in leavable:
            fields[LEAVE + v.key] = BooleanField(text("「%(name)s」は利用者に任せる", name=spoken(v.label)))
    return type(base.__name__, (base,), fields)


def _radios(v: Variable, leavable: bool) -> RadioField:
    choices: list[tuple[str, Any]] = [(c.key, spoken(c.label)) for c in v.choices]
    choices += [(LEFT, text("利用者に任せる（申込みのときに利用者が選びます）"))] if leavable else []
    return RadioField(spoken(v.label), description=spoken(v.help), choices=choices, validate_choice=False)


def was_sent(v: Variable) -> bool:
    """Whether the request brings a value for a variable."""
    return PREFIX + v.key in request.form


def terms_data(variables: Sequence[Variable], values: Mapping[str, Any], left: Collection[str]) -> dict[str, Any]:
    """Field data for how an offer's terms stand."""
    data: dict[str, Any] = {}
    for v in variables:
        data[PREFIX + v.key] = LEFT if v.type == "choice" and v.key in left else str(values[v.key])
        data[LEAVE + v.key] = v.key in left
    return data


def settled(form: Form, variables: Sequence[Variable]) -> tuple[dict[str, Any], set[str]]:
    """What the form says of these terms: values that were chosen, keys that are left to the buyer."""
    found, left = dict[str, Any](), set[str]()
    for v in variables:
        typed = form[PREFIX + v.key].data
        if typed == LEFT or (LEAVE + v.key in form and form[LEAVE + v.key].data):
            left.add(v.key)
        else:
            found[v.key] = value(v, typed or "")
    return found, left


# ── checklists ───────────────────────────────────────────────────────────────────────────────────────────────────────

POINT, NOTE = "checklist.", ".note"
ANSWER_WORDS = {"yes": text("はい"), "no": text("いいえ"), "na": text("該当なし")}


def with_checklist(base: type[Form], side: str) -> type[Form]:
    """The form with `checklist.<key>` and `checklist.<key>.note` for each point of a side's checklist."""
    fields: dict[str, Any] = {}
    for question in checklist.QUESTIONS[side]:
        name = POINT + question.key
        fields[name] = RadioField(spoken(question.words), choices=list(ANSWER_WORDS.items()), validate_choice=False)
        fields[name + NOTE] = StringField(
            text("補足"), validators=[longest(checklist.NOTE_LENGTH_MAX), _note_has_answer(name)]
        )
    return type(base.__name__, (base,), fields)


def _note_has_answer(name: str) -> Any:
    def check(form: Form, field: Any) -> None:
        if field.data and not form[name].data:
            raise ValidationError(
                str(text("補足を書いたときは、「はい」「いいえ」「該当なし」のいずれかを選んでください。"))
            )

    return check


def checklist_data(side: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Field data for the answers given so far."""
    data: dict[str, Any] = {}
    for question in checklist.QUESTIONS[side]:
        kept = answers.get(question.key) or {}
        data[POINT + question.key], data[POINT + question.key + NOTE] = kept.get("answer"), kept.get("note", "")
    return data


def answers(form: Form, side: str) -> dict[str, Any]:
    """The points that were answered."""
    return {
        q.key: {"answer": form[POINT + q.key].data, "note": form[POINT + q.key + NOTE].data or ""}
        for q in checklist.QUESTIONS[side]
        if form[POINT + q.key].data
    }


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
QUOTA_FIELDS = {
    "quota_gigabytes": _yen(
        text("1か月に引き渡すデータ量の上限（GB）"),
        text("達すると翌月まで引渡しが止まります。空欄にすると上限はありません。"),
    ),
    "quota_downloads": _yen(
        text("1か月に引き渡す回数の上限"), text("達すると翌月まで引渡しが止まります。空欄にすると上限はありません。")
    ),
}
for _model in MODEL_FIELDS.keys() - {"free"}:
    MODEL_FIELDS[_model] |= QUOTA_FIELDS
DEFAULTS = {"included_units": "0", "minimum_jpy": "0"}
WHOLE = frozenset({"price_jpy", "included_units", "minimum_jpy", "cap_jpy", *QUOTA_FIELDS})
OPTIONAL = frozenset({"cap_jpy", *QUOTA_FIELDS})


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


def names_of_price(model: str) -> list[str]:
    """The names of a price model's fields, without its tiers."""
    return [PRICE + name for name in MODEL_FIELDS[model]]


def price_of(form: Form, model: str) -> dict[str, Any]:
    """The price as the API takes it; what is no number stays text, for the rules to refuse in their own words."""
    found: dict[str, Any] = {"model": model}
    for name in MODEL_FIELDS[model]:
        typed = (form[PRICE + name].data or "").replace(",", "")
        found[name] = None if name in OPTIONAL and not typed else _whole(typed) if name in WHOLE else typed
    if model == "metered":
        found["tiers"] = _tiers(form)
    return found


def price_data(given: Mapping[str, Any]) -> dict[str, Any]:
    """Field data for a price as it stands; what is not set yet has its default."""
    data: dict[str, Any] = {PRICE + key: value for key, value in DEFAULTS.items()}
    data |= {PRICE + key: "" if value is None else str(value) for key, value in given.items() if key != "tiers"}
    for n, tier in enumerate(given.get("tiers", ())):
        data[f"{PRICE}tiers.{n}.up_to"] = "" if tier["up_to"] is None else str(tier["up_to"])
        data[f"{PRICE}tiers.{n}.unit_price_jpy"] = tier["unit_price_jpy"]
    return data


def is_price_blank(form: Form) -> bool:
    """Whether no amount was typed: the price is still to be thought of."""
    typed = {f.name.removeprefix(PRICE): f.data or "" for f in form if f.name.startswith(PRICE)}
    amounts = {name: words for name, words in typed.items() if form[PRICE + name].type == "StringField"}
    return all(words in ("", DEFAULTS.get(name)) for name, words in amounts.items()) and bool(amounts)


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

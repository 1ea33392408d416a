"""Forms of listings and wants. What they cannot know (codes, limits, the law) the deeds check and put on the fields."""

from datetime import date, datetime
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, Optional, Regexp

from exchange.errors import text
from exchange.web.forms import Form
from listings import rules
from listings.models import Listing


def required() -> DataRequired:
    """The field must be filled."""
    return DataRequired(message=text("入力してください。"))


def longest(maximum: int) -> Length:
    """At most so many characters."""
    return Length(max=maximum, message=text("%(max)s文字以内で入力してください。", max=maximum))


EMAIL, PHONE = r"([^@\s<>\"]{1,64}@[A-Za-z0-9.-]{1,190})?\Z", r"([0-9+()\- ]{4,30})?\Z"


def shaped(pattern: str) -> Regexp:
    """Written as addresses and numbers are."""
    return Regexp(pattern, message=text("形式を確かめてください。"))


def choices(words: dict[str, str], *, empty: text | None = None) -> list[tuple[str, Any]]:
    """Choices in the reader's language."""
    return [*([("", empty)] if empty else []), *((key, text(label)) for key, label in words.items())]


class Day(DateField):
    """A date of the calendar; says in the reader's language when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take `YYYY-MM-DD`, as browsers send it."""
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = datetime.strptime(valuelist[0].strip(), "%Y-%m-%d").date()
        except ValueError:
            raise ValueError(str(text("日付を 2026-04-01 のように入力してください。"))) from None


class Number(IntegerField):
    """A whole number; says in the reader's language when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take ASCII digits."""
        self.data = None
        if valuelist and valuelist[0].strip():
            if not (valuelist[0].strip().isascii() and valuelist[0].strip().isdigit() and len(valuelist[0]) < 10):
                raise ValueError(str(text("半角の数字で入力してください。")))
            self.data = int(valuelist[0])


def pick(label: text, words: dict[str, str], **more: Any) -> SelectField:
    """One of several; what is none of them the deed refuses in its own words."""
    empty = text("選んでください")
    return SelectField(label, choices=choices(words, empty=empty), validate_choice=False, **more)


class DescriptionForm(Form):
    """What a listing says of its data."""

    form_id = HiddenField()
    title = StringField(text("データの名前"), validators=[required(), longest(rules.TITLE_LENGTH_MAX)])
    summary = TextAreaField(text("一文での説明"), validators=[required(), longest(rules.SUMMARY_LENGTH_MAX)])
    description = TextAreaField(text("くわしい説明"), validators=[required(), longest(rules.DESCRIPTION_LENGTH_MAX)])
    theme = pick(text("テーマ"), rules.THEMES, validators=[required()])
    update_frequency = pick(text("更新頻度"), rules.FREQUENCIES, validators=[required()])
    source = StringField(text("出典・作成元"), validators=[required(), longest(rules.SOURCE_LENGTH_MAX)])
    period_start = Day(text("対象期間の始まり"), validators=[Optional()])
    period_end = Day(text("対象期間の終わり"), validators=[Optional()])
    area_codes = StringField(text("地域"), validators=[longest(1_500)])
    keywords = StringField(text("キーワード"), validators=[longest(1_600)])
    licence = SelectField(
        text("利用規約(オープンデータの場合)"),
        choices=choices(rules.LICENCES, empty=text("契約で定める")),
        validate_choice=False,
    )
    department = StringField(text("担当部署"), validators=[required(), longest(100)])
    email = StringField(text("問い合わせ先のメールアドレス"), validators=[longest(254), shaped(EMAIL)])
    phone = StringField(text("問い合わせ先の電話番号"), validators=[longest(30), shaped(PHONE)])
    visibility = RadioField(
        text("公開範囲"), choices=choices(rules.VISIBILITIES), default="public", validate_choice=False
    )
    invited = TextAreaField(text("招待する組織の法人番号"), validators=[longest(4_000)])

    @classmethod
    def of(cls, listing: Listing, invited: list[str]) -> "DescriptionForm":
        """The form as the listing stands."""
        names = ("title", "summary", "description", "theme", "update_frequency", "source", "period_start", "period_end")
        data: dict[str, Any] = {name: getattr(listing, name) for name in (*names, "licence", "visibility")}
        contact = {name: listing.contact.get(name) or "" for name in ("department", "email", "phone")}
        lists = {"keywords": "、".join(listing.keywords), "area_codes": "、".join(listing.area_codes)}
        return cls(data=data | contact | lists | {"invited": "\n".join(invited)})

    def fields_of_listing(self) -> dict[str, Any]:
        """What the deed takes."""
        plain = ("title", "summary", "description", "theme", "update_frequency", "source", "visibility")
        return {name: self[name].data or "" for name in plain} | {
            "period_start": self.period_start.data,
            "period_end": self.period_end.data,
            "licence": self.licence.data or None,
            "keywords": separated(self.keywords.data),
            "area_codes": separated(self.area_codes.data),
            "contact": {
                "department": self.department.data,
                "email": self.email.data or None,
                "phone": self.phone.data or None,
            },
        }


def separated(words: str | None) -> list[str]:
    """Words set apart by commas, line breaks or blanks, in either width."""
    table = str.maketrans({sign: " " for sign in "、,，\n\r\t　・;；"})
    return (words or "").translate(table).split()


class ClassForm(Form):
    """Which class the data is of."""

    data_class = RadioField(
        text("データ区分"), choices=choices(rules.DATA_CLASSES), validators=[required()], validate_choice=False
    )


class ColumnsForm(Form):
    """What the columns of a file mean, and what of its sample anyone may see."""

    released_rows = Number(text("見本として公開する行数"), validators=[Optional()])
    released_columns = SelectMultipleField(text("見本に出す列"), validate_choice=False)


class ReasonForm(Form):
    """A deed that needs its reason."""

    reason = TextAreaField(text("理由"), validators=[required(), longest(rules.REASON_LENGTH_MAX)])


class ReleaseForm(Form):
    """A new release."""

    note = TextAreaField(text("この版で変わること"), validators=[required(), longest(rules.NOTE_LENGTH_MAX)])


class SubmitForm(Form):
    """The last step; one answer field a finding is added by `with_answers`."""

    declaration = BooleanField(
        text("このデータを提供する権限があり、第三者の権利を侵害しないことを確認しました。"),
        validators=[DataRequired(message=text("宣言が必要です。"))],
    )

    @classmethod
    def with_answers(cls, findings: list[Any], *, declared: bool) -> "SubmitForm":
        """The form with a field for each finding, filled with the answer given before; declared once is enough."""
        made = type("SubmitForm", (cls,), {f"answer_{f.id}": _answer_field(f) for f in findings})
        form: SubmitForm = made(data={f"answer_{f.id}": f.answer or "" for f in findings})
        if declared:
            del form.declaration
        return form


def _answer_field(finding: Any) -> TextAreaField:
    label = text(
        "「%(column)s」: %(kind)sが%(count)s件",
        column=finding.column,
        kind=text(_kind(finding.kind)),
        count=finding.count,
    )
    return TextAreaField(label, validators=[required(), longest(rules.REASON_LENGTH_MAX)])


def _kind(kind: str) -> str:
    return rules.FINDING_KINDS.get(kind, kind)


class DecisionForm(Form):
    """An administrator's decision."""

    reason = TextAreaField(text("理由(差し戻す場合)"), validators=[longest(rules.REASON_LENGTH_MAX)])


class WantForm(Form):
    """What is wanted."""

    form_id = HiddenField()
    title = StringField(text("求めるデータ"), validators=[required(), longest(rules.TITLE_LENGTH_MAX)])
    purpose = TextAreaField(text("用途"), validators=[required(), longest(rules.NOTE_LENGTH_MAX)])
    description = TextAreaField(text("くわしい条件"), validators=[longest(rules.DESCRIPTION_LENGTH_MAX)])
    theme = pick(text("テーマ"), rules.THEMES, validators=[required()])
    area_codes = StringField(text("地域"), validators=[longest(1_500)])
    until = Day(text("いつまでに必要か"), validators=[required()])

    def fields_of_want(self) -> dict[str, Any]:
        """What the deed takes."""
        plain = {name: self[name].data or "" for name in ("title", "purpose", "description", "theme")}
        return plain | {"area_codes": separated(self.area_codes.data), "until": self.until.data or date.max}


class JoinForm(Form):
    """Wanting the same."""

    note = TextAreaField(text("ひとこと"), validators=[longest(rules.NOTE_LENGTH_MAX)])


class AnswerForm(Form):
    """A holder's answer."""

    kind = RadioField(
        text("回答の種類"), choices=choices(rules.ANSWER_KINDS), validators=[required()], validate_choice=False
    )
    listing_id = SelectField(text("掲載"), validate_choice=False)
    planned_on = Day(text("提供予定日"), validators=[Optional()])
    message = TextAreaField(text("説明・理由"), validators=[longest(rules.REASON_LENGTH_MAX)])

    @classmethod
    def choosing_from(cls, listings: list[Listing]) -> "AnswerForm":
        """The form with one's own published listings to choose from."""
        form = cls()
        form.listing_id.choices = [("", text("選んでください")), *((item.id, item.title) for item in listings)]
        return form


class HeldForm(Form):
    """Objects that stay in their holder's own storage place."""

    place_id = SelectField(text("保管場所"), validate_choice=False, validators=[required()])
    keys = TextAreaField(text("ファイルのキー"), validators=[required(), longest(110_000)])

    @classmethod
    def of(cls, places: list[tuple[str, str]]) -> "HeldForm":
        """A form with these places to choose from."""
        form = cls()
        form.place_id.choices = places
        return form

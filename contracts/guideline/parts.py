"""What a standard template is made of: clauses, typed variables, and the rules between them. Pure.

Clause text carries `{name}` for a variable or a fact of the deal. A choice puts in the phrase that belongs to the
option; a paragraph that nothing is left of disappears. So the text is always whole sentences, never a form with boxes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from flask_babel import get_locale

from exchange.errors import Invalid, Words, text

Value = str | int
Party = Literal["provider", "buyer"]
Chooser = Party
TEXT_LENGTH_MAX = 1_000


@dataclass(frozen=True)
class Said:
    """The same thing in Japanese, which binds, and in English, which is a courtesy."""

    ja: str
    en: str

    def in_(self, lang: str) -> str:
        """The words in a language."""
        return self.en if lang == "en" else self.ja


class spoken(text):
    """Words that carry both languages themselves, shown in the reader's."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.ja)
        self.said = said

    def __str__(self) -> str:
        return self.said.in_(str(get_locale() or "ja"))


@dataclass(frozen=True)
class Choice:
    """One option: what it is called on a form, and what it says in the clause."""

    key: str
    label: Said
    clause: Said | None = None

    def said(self) -> Said:
        """What stands in the clause."""
        return self.clause or self.label


@dataclass(frozen=True, kw_only=True)
class Variable:
    """Something the parties settle: by whom, of which type, and what holds when nobody says anything."""

    key: str
    article: int
    type: Literal["choice", "number", "date", "text"]
    label: Said
    help: Said
    chooser: Chooser = "provider"
    default: Value = ""
    default_for: Mapping[str, Value] = field(default_factory=dict)  # by price model, where the plain one is not lawful
    choices: tuple[Choice, ...] = ()
    least: int = 0
    most: int = 0
    unit: Said = Said("", "")
    empty: Said = Said("", "")  # what an empty date or text says in the clause
    weighty: bool = True  # away from its default it shifts risk, and two administrators look; False for arrangements

    def default_under(self, model: str) -> Value:
        """The lawful default under a price model."""
        return self.default_for.get(model, self.default)

    def option(self, key: Value) -> Choice:
        """The choice of that key, which was checked before."""
        return next(c for c in self.choices if c.key == key)

    def shown(self, value: Value) -> Said:
        """A value for people."""
        if self.type == "choice":
            return self.option(value).label
        if value == "":
            return self.empty
        if self.type == "date":
            day = date.fromisoformat(str(value))
            return Said(f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B} {day.year}")
        return Said(f"{value}{self.unit.ja}", f"{value} {self.unit.en}".strip())

    def in_clause(self, value: Value) -> Said:
        """A value inside the text of a clause."""
        if self.type == "choice":
            return self.option(value).said()
        return Said(str(value), str(value)) if self.type == "number" else self.shown(value)

    def complaint(self, value: Any) -> Words | None:
        """Why a value cannot be taken, or None."""
        return _COMPLAINTS[self.type](self, value)


def _choice(v: Variable, value: Any) -> Words | None:
    keys = [c.key for c in v.choices]
    if isinstance(value, str) and value in keys:
        return None
    return text(
        "「%(name)s」は次のいずれかで指定してください：%(choices)s", name=spoken(v.label), choices=", ".join(keys)
    )


def _number(v: Variable, value: Any) -> Words | None:
    if isinstance(value, int) and not isinstance(value, bool) and v.least <= value <= v.most:
        return None
    return text(
        "「%(name)s」は %(least)s から %(most)s までの整数で指定してください。",
        name=spoken(v.label),
        least=v.least,
        most=v.most,
    )


def _date(v: Variable, value: Any) -> Words | None:
    if value == "" and v.empty.ja:
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            date.fromisoformat(value)
            return None
        except ValueError:
            pass
    return text("「%(name)s」は YYYY-MM-DD の日付で指定してください。", name=spoken(v.label))


def _text(v: Variable, value: Any) -> Words | None:
    if not isinstance(value, str):
        return text("「%(name)s」は文字列で指定してください。", name=spoken(v.label))
    if not value.strip() and (value or not v.empty.ja):
        return text("「%(name)s」を入力してください。", name=spoken(v.label))
    if len(value) > TEXT_LENGTH_MAX:
        return text("「%(name)s」は %(most)s 文字以内で入力してください。", name=spoken(v.label), most=TEXT_LENGTH_MAX)
    return None


_COMPLAINTS: dict[str, Callable[[Variable, Any], Words | None]] = {
    "choice": _choice,
    "number": _number,
    "date": _date,
    "text": _text,
}


@dataclass(frozen=True)
class Deal:
    """The facts about a deal that rules look at beside its variables."""

    pricing_model: str
    provider_kind: str
    data_class: str
    buyer_kind: str = ""  # "" while nobody has asked yet


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Something that must hold between variables, with its reason and source."""

    key: str
    fields: tuple[str, ...]
    broken: Callable[[Mapping[str, Value], Deal], bool]
    message: Said
    source: Said


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One article: title, paragraphs, and which article of the guideline it follows, as far as that is confirmed."""

    article: int
    title: Said
    paragraphs: tuple[Said, ...]
    source: Said
    confirmed: bool
    binds: tuple[Party, ...] = ("provider", "buyer")  # participation terms have clauses for one side alone


@dataclass(frozen=True, kw_only=True)
class Annex:
    """A sheet that is attached where the facts require it. Its paragraphs are filled in as those of clauses are."""

    key: str
    title: Said
    paragraphs: tuple[Said, ...]
    source: Said
    confirmed: bool
    attaches: Callable[[Mapping[str, Value], Deal], bool] = lambda values, deal: True


@dataclass(frozen=True)
class Line:
    """A line of a matrix of usage rights: what the data are called, and the variable behind each cell."""

    name: str  # a text variable; the line is there where it says something
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Who may do what with which data, as a table of choices: data category × party × act."""

    title: Said
    row: Said  # what stands over the names of the lines
    columns: tuple[Said, ...]  # party and act, one a cell
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Template:
    """A standard template of one version.

    `kind` is `contract`; `open_terms` where nobody needs to sign; `participation` for the exchange's own terms, which
    are accepted by organizations and stand behind no offer.
    """

    key: str
    version: str
    dated: date
    kind: Literal["contract", "open_terms", "participation"]
    name: Said
    about: Said
    source: Said
    clauses: tuple[Clause, ...]
    variables: tuple[Variable, ...] = ()
    rules: tuple[Rule, ...] = ()
    annexes: tuple[Annex, ...] = ()  # its own; those that any contract may need are in `annexes.ANNEXES`
    matrix: Matrix | None = None
    url: str | None = None  # open terms: the text itself, at its publisher's
    attribution: Said | None = None  # open terms: the line to print, with {title}, {provider}, {url}, {date}

    @property
    def is_open(self) -> bool:
        """Whether it is a licence to everyone, without a contract."""
        return self.kind == "open_terms"

    @property
    def is_offered(self) -> bool:
        """Whether an offer can stand on it."""
        return self.kind != "participation"

    def variable(self, key: str) -> Variable:
        """The variable of that key."""
        return next(v for v in self.variables if v.key == key)

    def of_article(self, article: int) -> list[Variable]:
        """The variables that an article leaves open."""
        return [v for v in self.variables if v.article == article]


def defaults(template: Template, deal: Deal) -> dict[str, Value]:
    """Every variable with its lawful default under the deal's price model."""
    return {v.key: v.default_under(deal.pricing_model) for v in template.variables}


def complete(
    template: Template, *layers: Mapping[str, Any], deal: Deal, field_name: str = "variables"
) -> dict[str, Value]:
    """All variables of a contract: the template's defaults, then each layer over them, checked one by one and together.

    Raises `Invalid` that names every unknown variable, every value that cannot be taken and every broken rule at once.
    """
    merged: dict[str, Any] = defaults(template, deal)
    for layer in layers:
        merged |= layer
    errors: dict[str, list[Words]] = {}
    known = {v.key for v in template.variables}
    for key in merged.keys() - known:
        errors[f"{field_name}.{key}"] = [text("このひな型にない項目です。")]
    for v in template.variables:
        complaint = v.complaint(merged[v.key])
        if complaint:
            errors[f"{field_name}.{v.key}"] = [complaint]
    if not errors:
        for rule in broken_rules(template, merged, deal):
            errors.setdefault(f"{field_name}.{rule.fields[0]}", []).append(spoken(rule.message))
    if errors:
        raise Invalid(errors)
    return {v.key: merged[v.key] for v in template.variables}


def broken_rules(template: Template, values: Mapping[str, Value], deal: Deal) -> list[Rule]:
    """Every rule between variables that these values break."""
    return [rule for rule in template.rules if rule.broken(values, deal)]


@dataclass(frozen=True)
class WrittenClause:
    """An article with its choices written out."""

    article: int
    title: Said
    paragraphs: tuple[Said, ...]
    deviates: bool  # some variable of it stands elsewhere than the template's default


def write(
    template: Template, values: Mapping[str, Value], facts: Mapping[str, Said], *, standard: Mapping[str, Value]
) -> list[WrittenClause]:
    """The text of a contract: every clause with variables and facts filled in, deviations from `standard` marked."""
    words = _words(template, values, facts)
    return [
        WrittenClause(
            clause.article,
            clause.title,
            tuple(_written(clause.paragraphs, words)),
            any(values[v.key] != standard[v.key] for v in template.of_article(clause.article)),
        )
        for clause in template.clauses
    ]


@dataclass(frozen=True)
class WrittenAnnex:
    """A sheet that is attached, with everything filled in."""

    key: str
    title: Said
    paragraphs: tuple[Said, ...]


def write_annexes(
    template: Template, annexes: Sequence[Annex], values: Mapping[str, Value], facts: Mapping[str, Said], deal: Deal
) -> list[WrittenAnnex]:
    """The sheets that these facts require, in their order: the template's own, then `annexes`."""
    words = _words(template, values, facts)
    return [
        WrittenAnnex(annex.key, annex.title, tuple(_written(annex.paragraphs, words)))
        for annex in (*template.annexes, *annexes)
        if annex.attaches(values, deal)
    ]


def _words(template: Template, values: Mapping[str, Value], facts: Mapping[str, Said]) -> dict[str, Said]:
    words = {v.key: v.in_clause(values[v.key]) for v in template.variables} | dict(facts)
    numbers = {v.key: words[v.key] for v in template.variables if v.type == "number"}
    for v in template.variables:
        if v.type == "choice":  # an option's phrase may name a number; it is ours, so nothing foreign is read again
            words[v.key] = Said(_fill(words[v.key].ja, numbers, "ja"), _fill(words[v.key].en, numbers, "en"))
    return words


def _written(paragraphs: Sequence[Said], words: Mapping[str, Said]) -> list[Said]:
    filled = [Said(_fill(p.ja, words, "ja"), _fill(p.en, words, "en")) for p in paragraphs]
    return [p for p in filled if p.ja]


def _fill(template: str, words: Mapping[str, Said], lang: str) -> str:
    """Put words in the places of a text. What is put in is never read again for places."""
    return re.sub(r"\{(\w+)\}", lambda m: words[m[1]].in_(lang), template).strip()

"""How a template is cut into topics, one a page, for the people who settle an offer. Pure.

The clauses that speak of the price stand with the price; a matrix of usage rights has a page of its own; the rest is
cut by article. `CUTS` names the pages of our templates in plain words. A template that is not named there, or has grown
an article since, is cut into runs of articles under the titles of its clauses, so that nothing is ever left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.guideline.parts import Clause, Said, Template, Variable

Kind = Literal["price", "terms", "matrix", "reach", "checklist"]

# What the buyer says when it applies and no provider can say for it: an offer stands for many, on any day.
BUYERS_ALONE = frozenset({"starts_on"})
# What says nothing where nothing is paid.
OF_MONEY = frozenset({"transfer_fee_bearer", "late_rate_percent", "netting"})
VARIABLES_A_PAGE = 5


@dataclass(frozen=True)
class Topic:
    """One page: what it is about, the articles it settles, and what is chosen there."""

    key: str
    kind: Kind
    title: Said
    lead: Said
    articles: tuple[int, ...] = ()
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True)
class Cut:
    """A page of a template we know: its name in plain words, and the articles on it."""

    key: str
    title: Said
    lead: Said
    articles: tuple[int, ...]


REACH = Topic(
    "reach",
    "reach",
    Said("示す相手と承諾のしかた", "Who sees it, and how it is accepted"),
    Said(
        "この提供条件をだれに示すか、申込みを自動で承諾するかを決めます。利用者に任せた項目もここで見渡せます。",
        "Who sees this offer and whether applications are accepted by themselves. What you left to the buyer is listed, too.",
    ),
)
CHECKLIST = Topic(
    "checklist",
    "checklist",
    Said("提供する前の確認", "Checks before you provide"),
    Said(
        "ガイドラインが挙げる確認事項です。答えは義務ではなく、利用者には示しません。承認する運営者が参考にします。",
        "Points that the guidelines raise. Answers are optional and not shown to buyers; the operator reads them when it "
        "approves.",
    ),
)
PRICE_TITLE, PRICE_LEAD = (
    Said("名前と対価", "Name and price"),
    Said(
        "利用者が提供条件を選ぶときに見る名前と、対価を決めます。",
        "The name by which buyers choose, and the price.",
    ),
)
MATRIX_TITLE = Said("利用権限の表", "Table of usage rights")
MATRIX_LEAD = Said(
    "どのデータを、だれが、どのように使ってよいかを表で決めます。名前のない区分の行は、契約に現れません。",
    "A table of who may do what with which data. A category without a name does not appear in the contract.",
)
LEAD = Said("標準の値が入っています。変えたいところだけを変えてください。", "The standard is filled in. Change only what you want otherwise.")  # fmt: skip

_PROVISION = (
    Cut(
        "use",
        Said("使ってよいこと", "What the buyer may do"),
        Said(
            "データをどう渡し、利用者が何に、どこで、だれと使ってよいかを決めます。",
            "How the data are provided, and for what, where and with whom the buyer may use them.",
        ),
        (1, 2, 3),
    ),
    Cut(
        "warranty",
        Said("データの保証と責任", "Warranties and liability"),
        Said(
            "データの正しさなどをどこまで約束するか、問題があったときにどう責任を負うかを決めます。",
            "How far you promise that the data are right, and who answers for what goes wrong.",
        ),
        (5, 6),
    ),
    Cut(
        "handling",
        Said("報告・管理・漏えい", "Reports, safekeeping, leaks"),
        Said(
            "利用者に求める報告と管理の水準、漏えいが起きたときの連絡を決めます。",
            "What the buyer reports, how safely it keeps the data, and whom it tells of a leak.",
        ),
        (7, 8, 9),
    ),
    Cut(
        "secrecy",
        Said("秘密と派生データ", "Secrecy and derived data"),
        Said(
            "秘密を守る期間と、データを加工して生まれたデータをだれが使えるかを決めます。",
            "How long secrets are kept, and who may use what is made from the data.",
        ),
        (10, 11),
    ),
    Cut(
        "term",
        Said("期間と終わり方", "Term and end"),
        Said(
            "契約がいつまで続き、どう終わり、終わった後にデータをどうするかを決めます。",
            "How long the contract runs, how it ends and what becomes of the data then.",
        ),
        (12, 13, 14, 15),
    ),
    Cut(
        "general",
        Said("その他", "Other matters"),
        Said(
            "会社の合併があったときの扱いや、争いになったときの裁判所などを決めます。",
            "What happens on a merger, which court decides, and the like.",
        ),
        (16, 17, 18, 19, 20, 21),
    ),
)
CUTS: dict[str, tuple[Cut, ...]] = {
    "provision-licence": _PROVISION,
    "provision-assignment": (
        Cut(
            "use",
            Said("引渡しと譲渡", "Handover and transfer"),
            Said(
                "データをどう渡し、権利がいつ移り、渡した後に提供者がどうするかを決めます。",
                "How the data are handed over, when rights pass, and what the provider may still do.",
            ),
            (1, 2, 3),
        ),
        *_PROVISION[1:],
    ),
    "provision-joint": _PROVISION,
    "short-form": (
        Cut("use", _PROVISION[0].title, _PROVISION[0].lead, (1, 2, 3)),
        Cut(
            "safeguards",
            Said("責任・管理・派生データ", "Liability, safekeeping, derived data"),
            Said(
                "責任の範囲と、データを加工して生まれたデータの扱いを決めます。",
                "How far liability goes, and who may use what is made from the data.",
            ),
            (5, 6, 7),
        ),
        Cut("term", _PROVISION[4].title, _PROVISION[4].lead, (8, 9)),
        Cut(
            "general",
            Said("その他", "Other matters"),
            Said("争いになったときの裁判所などを決めます。", "Which court decides, and the like."),
            (10,),
        ),
    ),
    "co-creation": (
        Cut(
            "use",
            Said("対象のデータと使ってよいこと", "The data and what may be done with them"),
            Said(
                "何から生まれるデータか、表にないデータや利用の範囲、内容の確かめ方を決めます。",
                "What makes the data, how far use goes, and how their contents are checked.",
            ),
            (1, 2, 3),
        ),
        Cut(
            "passing-on",
            Said("加工・派生データ・第三者への提供", "Processing, derived data, supply to others"),
            Said(
                "加工して生まれたデータの扱いと、ほかの人に渡すときの手続きを決めます。",
                "What becomes of derived data, and how data are passed on to others.",
            ),
            (4, 5),
        ),
        Cut(
            "warranty",
            Said("保証・個人情報・責任", "Warranties, personal information, liability"),
            Said(
                "どこまで約束し、個人情報をどちらが扱い、どう責任を負うかを決めます。",
                "What is promised, who looks after personal information, and who answers for what.",
            ),
            (7, 8, 12),
        ),
        Cut(
            "handling",
            Said("管理・漏えい・秘密", "Safekeeping, leaks, secrecy"),
            Said(
                "データの管理の水準、漏えいが起きたときの連絡、秘密を守る期間を決めます。",
                "How safely data are kept, whom a leak is told to, and how long secrets are kept.",
            ),
            (9, 10, 11),
        ),
        Cut("term", _PROVISION[4].title, _PROVISION[4].lead, (13, 14, 15)),
        Cut("general", _PROVISION[5].title, _PROVISION[5].lead, (16, 17, 18, 19, 20, 21)),
    ),
}


def of(template: Template, model: str) -> tuple[Topic, ...]:
    """The topics of an offer on a template under a price model, in the order in which they are settled.

    Every variable that a provider can settle is on exactly one of them. Open terms leave nothing to settle but a name.
    """
    priced = _price_articles(template)
    chosen = [v for v in template.variables if v.article in priced and not (model == "free" and v.key in OF_MONEY)]
    price = Topic("price", "price", PRICE_TITLE, PRICE_LEAD, priced, tuple(chosen))
    if template.is_open:
        return (price, CHECKLIST)
    return (price, *_matrix(template), *_terms(template, priced), REACH, CHECKLIST)


def topic(template: Template, model: str, key: str) -> Topic | None:
    """The topic of that key, if the template has it."""
    return next((t for t in of(template, model) if t.key == key), None)


def may_be_left(variable: Variable) -> bool:
    """Whether it makes sense to leave this to the buyer: what is the buyer's by the template, and mere arrangements.

    What shifts risk between the parties is not left to one of them.
    """
    return variable.chooser == "buyer" or not variable.weighty


def _price_articles(template: Template) -> tuple[int, ...]:
    return tuple(c.article for c in template.clauses if any("{price}" in p.ja for p in c.paragraphs))


def _in_matrix(template: Template) -> frozenset[str]:
    lines = template.matrix.lines if template.matrix else ()
    return frozenset(key for line in lines for key in (line.name, *line.cells))


def _matrix(template: Template) -> tuple[Topic, ...]:
    if template.matrix is None:
        return ()
    keys = _in_matrix(template)
    variables = tuple(v for v in template.variables if v.key in keys)
    articles = tuple(dict.fromkeys(v.article for v in variables))
    return (Topic("matrix", "matrix", MATRIX_TITLE, MATRIX_LEAD, articles, variables),)


def _terms(template: Template, priced: Sequence[int]) -> tuple[Topic, ...]:
    cuts = CUTS.get(template.key, ())
    named = {article for cut in cuts for article in cut.articles} | set(priced)
    left = [clause for clause in template.clauses if clause.article not in named]
    pages = [*cuts, *_runs(template, left)]
    topics = [
        Topic(cut.key, "terms", cut.title, cut.lead, cut.articles, _variables(template, cut.articles)) for cut in pages
    ]
    return tuple(t for t in topics if t.variables)


def _variables(template: Template, articles: Sequence[int]) -> tuple[Variable, ...]:
    in_matrix, priced = _in_matrix(template), _price_articles(template)
    return tuple(v for a in articles if a not in priced for v in template.of_article(a) if v.key not in in_matrix)


def _runs(template: Template, clauses: Sequence[Clause]) -> list[Cut]:
    """Articles one after the other, until a page holds enough to settle; articles without choices go along."""
    found: list[list[Clause]] = []
    for clause in clauses:
        articles = [c.article for c in found[-1]] if found else []
        room = len(_variables(template, [*articles, clause.article])) <= VARIABLES_A_PAGE
        if found and (room or not _variables(template, articles)):
            found[-1].append(clause)
        else:
            found.append([clause])
    return [_cut(template, run) for run in found]


def _cut(template: Template, run: Sequence[Clause]) -> Cut:
    named = [c for c in run if _variables(template, [c.article])] or list(run)
    title = Said("・".join(c.title.ja for c in named), ", ".join(c.title.en for c in named))
    return Cut(f"articles-{run[0].article}-{run[-1].article}", title, LEAD, tuple(c.article for c in run))

"""データ創出型: parties who create data together settle who may do what with which of them, in 21 articles of our order.

The set of topics is that of the model contract for data creation in the data part of the 「AI・データの利用に関する契約
ガイドライン」 (経済産業省, 2018-06, version 1.1 2019-12) and of the 「データの利用権限に関する契約ガイドライン」 (IoT推進
コンソーシアム・経済産業省, 2017-05). Article numbers and titles of the model are not confirmed: none is printed as
official, and every word of the clauses is this exchange's own.

The heart is a table: category of data × party × act. Each cell is a choice, so none is ever blank, and the table is
printed as an annex. Up to four categories have a line; a line without a name is not there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from contracts.guideline import provision_articles as provision
from contracts.guideline.parts import Annex, Choice, Clause, Line, Matrix, Rule, Said, Template, Value, Variable
from contracts.guideline.provision_articles import DAYS, MONTHS, PERCENT

GUIDELINE = Said(
    "経済産業省「AI・データの利用に関する契約ガイドライン（データ編）」（2018年6月、2019年12月 1.1版）のデータ創出型および"
    "「データの利用権限に関する契約ガイドライン ver1.0」（2017年5月）が挙げる論点にならった契約です。条の順序、条番号および題名は"
    "本取引市場によるもので、ガイドラインのモデル契約との対応は確認していません。条文の文言はすべて本取引市場が独自に作成したものです。",
    "Covers the topics of the data creation contract in METI's Contract Guidelines on Utilization of AI and Data, Data "
    "Section (June 2018, version 1.1 December 2019) and of the guidelines on rights to use data (May 2017). Order, numbers "
    "and titles of the articles are this exchange's; how they correspond to the model contract is not confirmed. The "
    "wording of every clause is this exchange's own.",
)
_SOURCE = Said(
    "データ編 創出型の論点にならう（条番号・題名は本取引市場による。モデル契約との対応は未確認）",
    "Follows the topics of the data creation model (number and title are this exchange's; correspondence not confirmed)",
)


def _clause(article: int, title: Said, *paragraphs: Said) -> Clause:
    return Clause(article=article, title=title, paragraphs=paragraphs, source=_SOURCE, confirmed=False)


# ── the table of usage rights ────────────────────────────────────────────────────────────────────────────────────────


class Party(NamedTuple):
    """A party as a column of the table names it."""

    key: str
    sign: Said
    label: Said


class Act(NamedTuple):
    """What may be done with data, and what holds for both parties until they settle something else."""

    key: str
    label: Said
    help: Said
    default: str


CATEGORIES = (1, 2, 3, 4)
PARTIES = (
    Party("provider", Said("甲", "Provider"), Said("提供者", "the provider")),
    Party("buyer", Said("乙", "Buyer"), Said("利用者", "the buyer")),
)
ACTS = (
    Act(
        "use",
        Said("利用", "use"),
        Said("自ら使ってよいかどうかです。", "Whether this party may use the data itself."),
        "allowed",
    ),
    Act(
        "process",
        Said("加工", "processing"),
        Said(
            "加工し、分析し、ほかのデータと合わせてよいかどうかです。",
            "Whether this party may process and analyse the data and join them with others.",
        ),
        "allowed",
    ),
    Act(
        "supply",
        Said("第三者提供", "supply to third parties"),
        Said("ほかの会社などに渡してよいかどうかです。", "Whether this party may hand the data to others."),
        "consent",
    ),
    Act(
        "transfer",
        Said("譲渡", "transfer"),
        Said("利用権限そのものを譲ってよいかどうかです。", "Whether this party may transfer its right as such."),
        "prohibited",
    ),
)
ALLOWED, CONSENT, PROHIBITED = (
    Choice("allowed", Said("可", "Allowed")),
    Choice("consent", Said("相手方の承諾を要する", "With the other party's consent")),
    Choice("prohibited", Said("不可", "Not allowed")),
)


def name_key(category: int) -> str:
    """The variable that names a category."""
    return f"category_{category}"


def cell_key(category: int, party: Party, act: Act) -> str:
    """The variable behind a cell."""
    return f"category_{category}_{party.key}_{act.key}"


def _name(category: int) -> Variable:
    first = category == CATEGORIES[0]
    return Variable(
        key=name_key(category),
        article=2,
        type="text",
        label=Said(f"データの区分{category}", f"Data category {category}"),
        help=Said(
            "利用権限を分けて決めるデータの呼び名です。例：観測データ、設備の稼働記録。",
            "What a kind of data is called whose rights are settled apart, such as observations or machine logs.",
        )
        if first
        else Said(
            "区分を増やすときに入力します。空欄なら、この区分の行は契約に現れません。",
            "For another category. Left empty, its line does not appear in the contract.",
        ),
        default="観測データ" if first else "",
        empty=Said("", "") if first else Said("使わない", "not used"),
        weighty=False,
    )


def _cell(category: int, party: Party, act: Act) -> Variable:
    return Variable(
        key=cell_key(category, party, act),
        article=2,
        type="choice",
        label=Said(
            f"区分{category}・{party.label.ja}による{act.label.ja}",
            f"Category {category}: {act.label.en} by {party.label.en}",
        ),
        help=act.help,
        default=act.default,
        choices=(ALLOWED, CONSENT, PROHIBITED),
        weighty=False,
    )


RIGHTS = tuple(
    variable
    for category in CATEGORIES
    for variable in (_name(category), *(_cell(category, party, act) for party in PARTIES for act in ACTS))
)
MATRIX = Matrix(
    title=Said("別紙A　利用権限表", "Annex A: Table of usage rights"),
    row=Said("データの区分", "Data category"),
    columns=tuple(
        Said(f"{party.sign.ja}：{act.label.ja}", f"{party.sign.en}: {act.label.en}")
        for party in PARTIES
        for act in ACTS
    ),
    lines=tuple(
        Line(name_key(category), tuple(cell_key(category, party, act) for party in PARTIES for act in ACTS))
        for category in CATEGORIES
    ),
)

# ── the variables ────────────────────────────────────────────────────────────────────────────────────────────────────

VARIABLES = (
    # 1
    Variable(
        key="equipment",
        article=1,
        type="text",
        label=Said("データを生み出す機器など", "Equipment that makes the data"),
        help=Said(
            "センサー、設備、システムなどと、その場所を書きます。空欄なら「共同の事業に用いる機器など」とします。",
            "Sensors, machines, systems and where they stand. Left empty, whatever the joint business employs.",
        ),
        default="",
        empty=Said(
            "本事業のために甲または乙が用いる機器、設備およびシステム",
            "the devices, installations and systems that either Party employs for the Business",
        ),
        weighty=False,
    ),
    # 2 ── who may do what
    *RIGHTS,
    Variable(
        key="unlisted_data",
        article=2,
        type="choice",
        label=Said("表にないデータ", "Data not in the table"),
        help=Said(
            "表に区分のないデータが生まれたとき、誰が使えるかです。",
            "Who may use data of a category that the table does not name.",
        ),
        default="negotiate",
        choices=(
            Choice(
                "negotiate",
                Said("協議して決める", "To be negotiated"),
                Said(
                    "表に区分のない対象データの利用権限は、甲乙が協議して定め、定めるまではいずれの当事者も本事業のためにだけこれを"
                    "利用することができる。",
                    "Rights in Subject Data of a category that the table does not name are settled by negotiation; until "
                    "then either Party may use them for the Business alone.",
                ),
            ),
            Choice(
                "provider",
                Said("提供者が使える", "The provider"),
                Said(
                    "表に区分のない対象データの利用権限は、甲が有する。",
                    "Rights in Subject Data of a category that the table does not name are the Provider's.",
                ),
            ),
            Choice(
                "buyer",
                Said("利用者が使える", "The buyer"),
                Said(
                    "表に区分のない対象データの利用権限は、乙が有する。",
                    "Rights in Subject Data of a category that the table does not name are the Buyer's.",
                ),
            ),
            Choice(
                "both",
                Said("双方が使える", "Both"),
                Said(
                    "表に区分のない対象データの利用権限は、甲および乙の双方が有する。",
                    "Rights in Subject Data of a category that the table does not name are both Parties'.",
                ),
            ),
        ),
    ),
    Variable(
        key="use_scope",
        article=2,
        type="choice",
        label=Said("利用の目的の範囲", "What use may serve"),
        help=Said(
            "「可」とされた利用を、共同の事業に限るか、それぞれの事業にも認めるかです。",
            "Whether allowed use serves the joint business alone, or each party's own business too.",
        ),
        default="business",
        choices=(
            Choice(
                "business",
                Said("共同の事業に限る", "The joint business"),
                Said(
                    "対象データの利用および加工は、本事業のために行うものに限る。",
                    "Subject Data are used and processed for the Business alone.",
                ),
            ),
            Choice(
                "own_business",
                Said("それぞれの事業にも使える", "Own business too"),
                Said(
                    "各当事者は、本事業のほか、自己の事業のためにも対象データを利用し、加工することができる。",
                    "Each Party may use and process Subject Data for its own business as well as for the Business.",
                ),
            ),
        ),
    ),
    replace(
        provision.TERRITORY,
        article=2,
        help=Said("双方がデータを使ってよい場所です。", "Where the parties may use the data."),
        choices=(
            Choice(
                "japan",
                Said("日本国内", "Japan"),
                Said("対象データは、日本国内において利用する。", "Subject Data are used in Japan."),
            ),
            Choice(
                "worldwide",
                Said("世界中", "Worldwide"),
                Said(
                    "対象データは、地域の制限なく利用することができる。",
                    "Subject Data may be used without territorial limit.",
                ),
            ),
        ),
    ),
    # 3 ── handing over and looking in
    replace(
        provision.UPDATES,
        article=3,
        help=Said(
            "契約期間中に公開した更新版も渡すかどうかです。創出型では、期間中に生まれたデータを渡し続けるのが通例です。",
            "Whether releases published during the term are covered. Where data are created together, they usually are.",
        ),
        default_for={},
        choices=(
            Choice(
                "included",
                Said("含む", "Included"),
                Said(
                    "本契約の有効期間中に新たに取得され、または生成された対象データも、更新版として同じ方法により提供する。",
                    "Subject Data obtained or generated during the term are handed over in the same way, as new releases.",
                ),
            ),
            Choice(
                "release_only",
                Said("申込み時の版だけ", "This release only"),
                Said(
                    "この方法により提供する対象データは、別紙1に定める版に限る。",
                    "What is handed over in this way is the release named in Annex 1 alone.",
                ),
            ),
        ),
        weighty=True,
    ),
    Variable(
        key="content_check",
        article=3,
        type="choice",
        label=Said("データの内容の確認", "Looking into the content"),
        help=Said(
            "どのようなデータが生まれているかを、相手に見せる程度です。",
            "How far each side shows the other which data arise.",
        ),
        default="catalogue",
        choices=(
            Choice(
                "catalogue",
                Said("目録を見せる", "A catalogue"),
                Said(
                    "各当事者は、自己が管理する対象データの項目、期間および形式を示す目録を備え、相手方が求めた日から"
                    "{content_answer_days}日以内にこれを示す。",
                    "Each Party keeps a catalogue of the items, periods and formats of the Subject Data it manages and shows "
                    "it within {content_answer_days} days of being asked.",
                ),
            ),
            Choice(
                "catalogue_and_log",
                Said("目録と取得の記録を見せる", "A catalogue and logs"),
                Said(
                    "各当事者は、自己が管理する対象データの項目、期間および形式を示す目録ならびに取得の記録を備え、相手方が求めた日から"
                    "{content_answer_days}日以内にこれらを示す。",
                    "Each Party keeps a catalogue of the items, periods and formats of the Subject Data it manages, and logs "
                    "of how they were obtained, and shows both within {content_answer_days} days of being asked.",
                ),
            ),
            Choice(
                "on_request",
                Said("質問に答える", "Answers to questions"),
                Said(
                    "各当事者は、自己が管理する対象データの内容について相手方から照会を受けたときは、{content_answer_days}日以内に回答する。",
                    "Asked about the content of the Subject Data it manages, each Party answers within "
                    "{content_answer_days} days.",
                ),
            ),
        ),
    ),
    Variable(
        key="content_answer_days",
        article=3,
        type="number",
        label=Said("内容の確認に応じる期限", "Time to show the content"),
        help=Said("求められてから何日以内に示し、または答えるかです。", "Days to show the content or to answer."),
        default=14,
        least=1,
        most=90,
        unit=DAYS,
        weighty=False,
    ),
    # 4 ── processing and what comes of it
    replace(
        provision.AI_TRAINING,
        article=4,
        choices=(
            Choice(
                "prohibited",
                Said("認めない", "Not permitted"),
                Said(
                    "各当事者は、相手方の書面による事前の承諾なく、対象データを機械学習モデルの学習に用いてはならない。",
                    "Neither Party trains machine-learning models on Subject Data without the other's prior written consent.",
                ),
            ),
            Choice(
                "permitted",
                Said("認める", "Permitted"),
                Said(
                    "対象データの加工が認められる当事者は、これを機械学習モデルの学習に用いることができる。ただし、対象データを復元"
                    "できるモデルを第三者に渡してはならない。",
                    "A Party that may process Subject Data may train machine-learning models on them, but shall not give "
                    "third parties a model from which the Subject Data can be restored.",
                ),
            ),
        ),
    ),
    replace(
        provision.DERIVED_DATA,
        article=4,
        default="maker",
        choices=(
            Choice(
                "maker",
                Said("加工した側だけが使える", "Who made them"),
                Said(
                    "派生データの利用権限は、これを生じさせた当事者が有する。",
                    "Rights in Derived Data are the Party's that made them.",
                ),
            ),
            Choice(
                "shared",
                Said("双方が使える", "Both"),
                Said(
                    "派生データの利用権限は双方が有し、派生データを生じさせた当事者は、相手方が求めたときはこれを提供する。",
                    "Rights in Derived Data are both Parties'; who made them hands them over on request.",
                ),
            ),
            Choice(
                "as_source",
                Said("元のデータの区分に従う", "As their source"),
                Said(
                    "派生データの利用権限は、元となった対象データの区分について表に定めるところに従う。元となった区分が複数あるときは、"
                    "最も制限の強い区分による。",
                    "Rights in Derived Data are those of the category of the Subject Data they were made from; where there "
                    "are several, those of the strictest.",
                ),
            ),
        ),
    ),
    replace(
        provision.DERIVED_SUPPLY,
        article=4,
        choices=(
            Choice(
                "not_restorable",
                Said("元のデータに戻せないものは可", "If the data cannot be restored from them"),
                Said(
                    "利用権限を有する当事者は、対象データを復元できない派生データに限り、第三者に提供することができる。",
                    "A Party with rights in Derived Data may give them to third parties where the Subject Data cannot be "
                    "restored from them.",
                ),
            ),
            Choice(
                "prior_consent",
                Said("承諾があれば可", "With consent"),
                Said(
                    "派生データは、相手方の書面による事前の承諾を得た場合に限り、第三者に提供することができる。",
                    "Derived Data may be given to third parties only with the other Party's prior written consent.",
                ),
            ),
            Choice(
                "prohibited",
                Said("不可", "Not permitted"),
                Said(
                    "いずれの当事者も、派生データを第三者に提供してはならない。",
                    "Neither Party gives Derived Data to third parties.",
                ),
            ),
        ),
    ),
    # 5 ── third parties
    Variable(
        key="supply_consent",
        article=5,
        type="choice",
        label=Said("第三者提供の事前の承諾", "Consent to supply"),
        help=Said(
            "表で第三者提供が「可」の区分について、提供先ごとの通知や承諾を求めるかどうかです。",
            "Whether supply that the table allows still needs notice or consent for each recipient.",
        ),
        default="as_table",
        choices=(
            Choice(
                "as_table",
                Said("表のとおり", "As in the table"),
                Said(
                    "表で第三者提供が「可」とされる区分の対象データは、相手方に通知することなく第三者に提供することができる。",
                    "Subject Data of a category whose supply the table allows may go to third parties without notice.",
                ),
            ),
            Choice(
                "notice",
                Said("「可」でも事前に知らせる", "With notice"),
                Said(
                    "表で第三者提供が「可」とされる区分の対象データを第三者に提供する当事者は、提供先と目的をあらかじめ相手方に通知する。",
                    "Where the table allows supply, the Party that supplies tells the other beforehand to whom and what for.",
                ),
            ),
            Choice(
                "each_time",
                Said("「可」でも提供先ごとに承諾", "With consent each time"),
                Said(
                    "表で第三者提供が「可」とされる区分の対象データであっても、第三者への提供は、提供先ごとに相手方の事前の承諾を要する。",
                    "Even where the table allows supply, each recipient needs the other Party's prior consent.",
                ),
            ),
        ),
    ),
    Variable(
        key="consent_days",
        article=5,
        type="number",
        label=Said("承諾を求められたときの回答期限", "Time to answer a request for consent"),
        help=Said("承諾するかどうかを何日以内に答えるかです。", "Days to say whether one consents."),
        default=14,
        least=1,
        most=90,
        unit=DAYS,
        weighty=False,
    ),
    Variable(
        key="consent_silence",
        article=5,
        type="choice",
        label=Said("回答がないとき", "No answer"),
        help=Said(
            "期限までに答えがないとき、承諾したことにするかどうかです。",
            "Whether consent is taken as given when nobody answers in time.",
        ),
        default="refused",
        choices=(
            Choice(
                "refused",
                Said("承諾しなかったとみなす", "Taken as refused"),
                Said("承諾しなかったもの", "refused"),
            ),
            Choice(
                "given",
                Said("承諾したとみなす", "Taken as given"),
                Said("承諾したもの", "given"),
            ),
        ),
    ),
    replace(
        provision.SUBLICENSE,
        article=5,
        help=Said(
            "委託先やグループ会社がデータを使ってよいかどうかです。",
            "Whether contractors or affiliates of a party may use the data.",
        ),
        choices=(
            Choice(
                "none",
                Said("当事者だけ", "The parties alone"),
                Said(
                    "委託先または親会社もしくは子会社に対象データを利用させることも、第三者への提供とする。",
                    "Use by contractors, a parent or subsidiaries counts as supply to third parties.",
                ),
            ),
            Choice(
                "contractors",
                Said("委託先まで", "Contractors"),
                Said(
                    "自己のための業務の委託先に、本契約と同等の義務を負わせて対象データを利用させることは、第三者への提供としない。",
                    "Use by contractors who work for a Party under duties equal to those of this Agreement does not count as "
                    "supply to third parties.",
                ),
            ),
            Choice(
                "affiliates",
                Said("委託先とグループ会社まで", "Contractors and affiliates"),
                Said(
                    "自己のための業務の委託先または親会社もしくは子会社に、本契約と同等の義務を負わせて対象データを利用させることは、"
                    "第三者への提供としない。",
                    "Use by contractors who work for a Party, its parent or its subsidiaries under duties equal to those of "
                    "this Agreement does not count as supply to third parties.",
                ),
            ),
        ),
    ),
    # 6 ── money
    replace(provision.TRANSFER_FEE_BEARER, article=6, weighty=True),
    replace(provision.LATE_RATE_PERCENT, article=6),
    Variable(
        key="cost_sharing",
        article=6,
        type="choice",
        label=Said("費用の分担", "Cost sharing"),
        help=Said(
            "機器の設置や運用など、データを生み出す費用をどう分けるかです。取引市場の請求には含まれません。",
            "How the cost of making the data is shared. The exchange does not invoice it.",
        ),
        default="each",
        choices=(
            Choice(
                "each",
                Said("それぞれが負担する", "Each bears its own"),
                Said(
                    "本事業のために各当事者に生じた費用は、その当事者が負担する。",
                    "Each Party bears the cost that it incurs for the Business.",
                ),
            ),
            Choice(
                "provider",
                Said("提供者が負担する", "The provider"),
                Said(
                    "本件機器の設置および運用の費用は、甲が負担する。",
                    "The Provider bears the cost of installing and running the Equipment.",
                ),
            ),
            Choice(
                "buyer",
                Said("利用者が負担する", "The buyer"),
                Said(
                    "本件機器の設置および運用の費用は、乙が負担する。",
                    "The Buyer bears the cost of installing and running the Equipment.",
                ),
            ),
            Choice(
                "percent",
                Said("割合で分担する", "A percentage"),
                Said(
                    "本件機器の設置および運用の費用は、乙がその{cost_buyer_percent}%を、甲がその残りを負担し、本取引市場の外で精算する。",
                    "Of the cost of installing and running the Equipment the Buyer bears {cost_buyer_percent} % and the "
                    "Provider the rest; they settle it outside this exchange.",
                ),
            ),
        ),
    ),
    Variable(
        key="cost_buyer_percent",
        article=6,
        type="number",
        label=Said("利用者の負担割合", "The buyer's part of the cost"),
        help=Said(
            "「割合で分担する」を選んだときの利用者の割合です。そうでなければ 0 にします。",
            "The buyer's percentage, if cost is shared by one; else 0.",
        ),
        default=0,
        least=0,
        most=99,
        unit=PERCENT,
    ),
    Variable(
        key="profit_sharing",
        article=6,
        type="choice",
        label=Said("利益の分配", "Profit sharing"),
        help=Said(
            "対象データや派生データを第三者に提供して得た対価を、相手に分けるかどうかです。",
            "Whether what third parties pay for the data, or for what was made from them, is shared.",
        ),
        default="none",
        choices=(
            Choice(
                "none",
                Said("分配しない", "Not shared"),
                Said(
                    "一方の当事者が対象データまたは派生データから得た利益は、相手方に分配することを要しない。",
                    "Neither Party need share profit from Subject Data or Derived Data with the other.",
                ),
            ),
            Choice(
                "percent",
                Said("割合で分配する", "A percentage"),
                Said(
                    "一方の当事者が対象データまたは派生データを第三者に提供して対価を得たときは、四半期ごとにその額を相手方に報告し、"
                    "その{profit_percent}%を本取引市場の外で相手方に分配する。",
                    "A Party that third parties pay for Subject Data or Derived Data reports the amount every quarter and "
                    "pays the other, outside this exchange, {profit_percent} % of it.",
                ),
            ),
        ),
    ),
    Variable(
        key="profit_percent",
        article=6,
        type="number",
        label=Said("分配の割合", "Share of the profit"),
        help=Said(
            "「割合で分配する」を選んだときの割合です。そうでなければ 0 にします。",
            "The percentage, if one is shared; else 0.",
        ),
        default=0,
        least=0,
        most=100,
        unit=PERCENT,
    ),
    replace(
        provision.REPORT_CYCLE,
        article=6,
        choices=(
            Choice(
                "none",
                Said("なし", "None"),
                Said("乙は、対象データの利用状況の報告を要しない。", "The Buyer need not report its use."),
            ),
            Choice(
                "on_request",
                Said("求めに応じて", "On request"),
                Said(
                    "乙は、甲が求めたときは、対象データの利用状況を遅滞なく報告する。",
                    "The Buyer reports its use without delay when the Provider asks.",
                ),
            ),
            Choice(
                "monthly",
                Said("毎月", "Monthly"),
                Said(
                    "乙は、対象データの利用状況（対価の算定に必要な売上額を含む。）を、毎月、翌月10日までに報告する。",
                    "The Buyer reports its use (with the sales needed to compute the price) every month, by the 10th of the "
                    "next.",
                ),
            ),
            Choice(
                "quarterly",
                Said("四半期ごと", "Quarterly"),
                Said(
                    "乙は、対象データの利用状況（対価の算定に必要な売上額を含む。）を、四半期ごとに、その翌月10日までに報告する。",
                    "The Buyer reports its use (with the sales needed to compute the price) every quarter, by the 10th of "
                    "the month after it.",
                ),
            ),
        ),
        weighty=True,
    ),
    replace(
        provision.AUDIT,
        article=6,
        help=Said(
            "報告や管理の状況を、相手の記録で確かめられるかどうかです。",
            "Whether each side may check reports and management against the other's records.",
        ),
        choices=(
            Choice(
                "yes",
                Said("あり", "Yes"),
                Said(
                    "各当事者は、{audit_notice_days}日前までに書面で通知し、相手方の営業時間内に、この条による報告および対象データの管理に"
                    "関する記録を自己の費用で監査することができる。報告に5%を超える不足が見つかったときは、その費用は報告した当事者の"
                    "負担とする。",
                    "On {audit_notice_days} days' written notice and within the other's business hours, each Party may audit, "
                    "at its own cost, the records of reports under this Article and of the management of Subject Data. Where "
                    "reports prove to fall short by more than 5 %, who reported bears the cost.",
                ),
            ),
            Choice("no", Said("なし", "No"), Said("いずれの当事者も、監査を行わない。", "Neither Party audits.")),
        ),
    ),
    replace(provision.AUDIT_NOTICE_DAYS, article=6),
    replace(
        provision.COMMISSIONED,
        article=6,
        label=Said("データの作成の委託", "Commissioned creation"),
        help=Said(
            "利用者が提供者に、対価を払ってデータの作成を頼む契約かどうかです。「あり」なら、検査と支払期日などの別紙が付きます。",
            "Whether the buyer pays the provider to make data. If so, an annex on inspection, due dates and more is attached.",
        ),
        choices=(
            Choice(
                "no",
                Said("なし", "No"),
                Said(
                    "本契約は、対象データの作成の委託を含まない。",
                    "This Agreement does not commission the making of Subject Data.",
                ),
            ),
            Choice(
                "yes",
                Said("あり", "Yes"),
                Said(
                    "乙は、甲に対象データの作成を委託する。委託については別紙「作成の委託」に従う。",
                    "The Buyer commissions the Provider to make Subject Data, as the Annex on commissioned creation says.",
                ),
            ),
        ),
    ),
    # 7 ── warranty
    replace(
        provision.WARRANTY_LAWFUL,
        article=7,
        help=Said(
            "それぞれが持ち込む機器やデータの取得が適法であることの扱いです。",
            "What holds for the lawfulness of what each side brings in.",
        ),
        choices=(
            Choice(
                "warranted",
                Said("保証する", "Warranted"),
                Said(
                    "各当事者は、自己が管理する本件機器により対象データを適法に取得することを保証する。",
                    "Each Party warrants that Subject Data are lawfully obtained by the Equipment it manages.",
                ),
            ),
            Choice(
                "best_effort",
                Said("努める", "Best effort"),
                Said(
                    "各当事者は、自己が管理する本件機器による対象データの取得が適法であることを確認するよう努める。",
                    "Each Party endeavours to confirm that Subject Data are lawfully obtained by the Equipment it manages.",
                ),
            ),
        ),
    ),
    replace(
        provision.WARRANTY_ACCURACY,
        article=7,
        choices=(
            Choice(
                "none",
                Said("保証しない", "Not warranted"),
                Said(
                    "いずれの当事者も、対象データの正確性、完全性、安全性および相手方の目的への適合性を保証しない。ただし、故意に対象データを"
                    "改ざんしない。",
                    "Neither Party warrants that Subject Data are accurate, complete, safe or fit for the other's purposes. "
                    "Neither, however, falsifies them intentionally.",
                ),
            ),
            Choice(
                "best_effort",
                Said("努める", "Best effort"),
                Said(
                    "各当事者は、自己が管理する対象データを正確かつ完全なものとするよう努め、誤りを知ったときは遅滞なく相手方に知らせる。",
                    "Each Party endeavours to keep the Subject Data it manages accurate and complete and tells the other "
                    "without delay of errors it learns of.",
                ),
            ),
            Choice(
                "warranted",
                Said("保証する", "Warranted"),
                Said(
                    "各当事者は、自己が管理する対象データが別紙1の説明および第3条の目録と一致することを保証する。",
                    "Each Party warrants that the Subject Data it manages agree with Annex 1 and the catalogue of Article 3.",
                ),
            ),
        ),
    ),
    replace(
        provision.WARRANTY_NON_INFRINGEMENT,
        article=7,
        choices=(
            Choice(
                "none",
                Said("保証しない", "Not warranted"),
                Said(
                    "いずれの当事者も、対象データの利用が第三者の権利を侵害しないことを保証しない。",
                    "Neither Party warrants that use of Subject Data infringes no right of a third party.",
                ),
            ),
            Choice(
                "best_effort",
                Said("努める", "Best effort"),
                Said(
                    "各当事者は、対象データの利用が第三者の権利を侵害するおそれを知ったときは、遅滞なく相手方に知らせ、その解消に努める。",
                    "A Party that learns of a concern that use of Subject Data infringes a right of a third party tells the "
                    "other without delay and endeavours to remove it.",
                ),
            ),
            Choice(
                "warranted",
                Said("保証する", "Warranted"),
                Said(
                    "各当事者は、自己が管理する対象データの本契約に従った利用が第三者の権利を侵害しないことを保証する。",
                    "Each Party warrants that use under this Agreement of the Subject Data it manages infringes no right of "
                    "a third party.",
                ),
            ),
        ),
    ),
    # 8
    Variable(
        key="personal_duty",
        article=8,
        type="choice",
        label=Said("個人情報の手続をする側", "Who handles personal information"),
        help=Said(
            "対象データに個人情報が含まれるとき、本人への通知や同意などの手続をする側です。",
            "Who gives notices and obtains consents where the data hold personal information.",
        ),
        default="collector",
        choices=(
            Choice(
                "collector",
                Said("取得した側", "Who collects them"),
                Said("これを取得した当事者", "the Party that collected them"),
            ),
            Choice("provider", Said("提供者", "The provider"), Said("甲", "the Provider")),
            Choice("buyer", Said("利用者", "The buyer"), Said("乙", "the Buyer")),
        ),
    ),
    # 9 ── keeping them safe
    replace(
        provision.SECURITY_LEVEL,
        article=9,
        help=Said(
            "双方がデータを守る水準です。L1は公開に近いデータ、L2は契約データの標準、L3は特に慎重に扱うデータ向けです。",
            "How the parties protect the data: L1 for nearly open data, L2 the standard, L3 for the most delicate.",
        ),
        choices=(
            Choice(
                "L1",
                Said("L1（基本）", "L1 (basic)"),
                Said("利用者の識別および通信の暗号化", "identification of users and encryption in transit"),
            ),
            Choice(
                "L2",
                Said("L2（標準）", "L2 (standard)"),
                Said(
                    "多要素認証、保存時の暗号化、利用の必要がある者への限定および3年間の利用記録の保存",
                    "multi-factor sign-in, encryption at rest, access for those alone who need it, and records of use kept "
                    "for three years",
                ),
            ),
            Choice(
                "L3",
                Said("L3（厳格）", "L3 (strict)"),
                Said(
                    "多要素認証、保存時の暗号化、利用の必要がある者への限定、3年間の利用記録の保存、利用者の名簿、日本国内での保存、"
                    "年1回の自己点検および第三者認証（JIS Q 27001等）またはこれに準じる体制",
                    "multi-factor sign-in, encryption at rest, access for those alone who need it, records of use kept for "
                    "three years, a list of named users, storage in Japan, a yearly self-check, and a third-party "
                    "certificate (such as JIS Q 27001) or an equal organization",
                ),
            ),
        ),
    ),
    replace(
        provision.STORAGE_COUNTRY,
        article=9,
        choices=(
            Choice(
                "japan",
                Said("日本国内", "Japan"),
                Said("各当事者は、対象データを日本国内で保存する。", "The Parties keep Subject Data in Japan."),
            ),
            Choice(
                "worldwide",
                Said("国外を含む", "Also abroad"),
                Said(
                    "各当事者は、対象データを日本国外で保存することができる。この場合、保存する国と管理の方法を相手方に知らせる。",
                    "The Parties may keep Subject Data outside Japan, and tell each other in which country and how.",
                ),
            ),
        ),
    ),
    Variable(
        key="protection",
        article=9,
        type="choice",
        label=Said("法律による保護", "Protection by law"),
        help=Said(
            "不正競争防止法の限定提供データまたは営業秘密として管理するかどうかです。",
            "Whether the data are managed as shared data with limited access or as trade secrets under the Unfair "
            "Competition Prevention Act.",
        ),
        default="limited",
        choices=(
            Choice(
                "limited",
                Said("限定提供データ", "Shared data with limited access"),
                Said(
                    "各当事者は、対象データを、不正競争防止法第2条第7項の限定提供データとして保護されるよう、本契約により利用が認められる者"
                    "だけが用いることができる電磁的方法により管理する。",
                    "The Parties manage Subject Data by electronic means open to those alone whom this Agreement permits, so "
                    "that they are protected as shared data with limited access under Article 2 (7) of the Unfair "
                    "Competition Prevention Act.",
                ),
            ),
            Choice(
                "secret",
                Said("営業秘密", "Trade secrets"),
                Said(
                    "各当事者は、対象データを、不正競争防止法第2条第6項の営業秘密として保護されるよう、秘密であることを表示し、秘密として"
                    "管理する。",
                    "The Parties mark Subject Data as secret and manage them as such, so that they are protected as trade "
                    "secrets under Article 2 (6) of the Unfair Competition Prevention Act.",
                ),
            ),
            Choice(
                "none",
                Said("特に定めない", "Neither"),
                Said(
                    "対象データを限定提供データまたは営業秘密として管理することは、各当事者に委ねる。",
                    "Whether to manage Subject Data as shared data with limited access or as trade secrets is left to each "
                    "Party.",
                ),
            ),
        ),
    ),
    # 10
    replace(provision.LEAK_NOTICE_HOURS, article=10, weighty=False),
    replace(provision.LEAK_REPORT_DAYS, article=10),
    # 11
    replace(provision.NDA_YEARS, article=11),
    # 12 ── liability
    replace(
        provision.LIABILITY_CAP,
        article=12,
        help=Said(
            "一方が相手に払う損害賠償の上限です。故意または重大な過失がある場合には上限はありません。対価が無料なら上限は置けません。",
            "The most that one party pays the other in damages; no cap holds for intent or gross negligence. Where nothing "
            "is paid there can be no cap.",
        ),
        default_for={"free": "none"},
    ),
    replace(
        provision.THIRD_PARTY_CLAIMS,
        article=12,
        help=Said(
            "データの使い方が原因で第三者から請求を受けたときに対応する側です。",
            "Who answers claims of third parties that come from use of the data.",
        ),
        default="user",
        choices=(
            Choice(
                "user",
                Said("利用した側が対応", "Who used them"),
                Said("対象データを利用した当事者が、その費用と責任で", "the Party that used them, at its own cost"),
            ),
            Choice(
                "together",
                Said("原因に応じて分担", "Both, by cause"),
                Said(
                    "甲および乙が、それぞれの原因の割合に応じて",
                    "the Parties, in proportion to what each caused",
                ),
            ),
        ),
    ),
    # 13 ── term
    replace(provision.STARTS_ON, article=13),
    replace(
        provision.TERM,
        article=13,
        help=Said(
            "期間を決めるか、解約するまで続けるかです。自動更新はありません。",
            "Whether the term is fixed or runs until terminated. Nothing renews itself.",
        ),
        default_for={},
        choices=(
            Choice(
                "fixed",
                Said("期間を決める", "Fixed"),
                Said(
                    "本契約の有効期間は、開始の日から{term_months}か月とし、自動では更新しない。",
                    "This Agreement lasts {term_months} months from its first day and does not renew itself.",
                ),
            ),
            Choice(
                "indefinite",
                Said("期間を決めない", "Indefinite"),
                Said(
                    "本契約は、開始の日から、第14条により終了するまで有効とする。",
                    "This Agreement lasts from its first day until it ends under Article 14.",
                ),
            ),
        ),
    ),
    replace(
        provision.TERM_MONTHS,
        article=13,
        help=Said("「期間を決める」を選んだときの長さです。", "The length of a fixed term."),
    ),
    # 14, 15
    provision.CURE_DAYS,
    Variable(
        key="after_end",
        article=15,
        type="choice",
        label=Said("終了後の利用権限", "Rights after the end"),
        help=Said(
            "契約が終わった後も、それまでに得たデータを使い続けられるかどうかです。",
            "Whether data obtained so far may still be used once the contract has ended.",
        ),
        default="stop",
        choices=(
            Choice(
                "stop",
                Said("使うのをやめる", "Stop"),
                Said(
                    "本契約が終了したときは、各当事者は、相手方から提供を受けた対象データの利用をやめる。",
                    "When this Agreement ends, each Party stops using the Subject Data it had from the other.",
                ),
            ),
            Choice(
                "limited",
                Said("一定の間だけ使える", "Limited"),
                Said(
                    "本契約が終了したときは、各当事者は、その時までに提供を受けた対象データを、{after_end_months}か月に限り、既に始めた分析"
                    "および製品の保守ならびに法令上の義務のために利用することができ、その後は利用をやめる。",
                    "When this Agreement ends, each Party may use the Subject Data it had so far for another "
                    "{after_end_months} months, for analyses already begun, for the upkeep of products and for duties under "
                    "law, and then stops.",
                ),
            ),
            Choice(
                "continue",
                Said("使い続けられる", "Continue"),
                Said(
                    "各当事者は、本契約の終了後も、その時までに提供を受けた対象データを、表に定めるところに従い利用することができる。ただし、"
                    "自己の違反により解除されたときは、利用をやめる。",
                    "Each Party may go on using the Subject Data it had so far as the table says. Where the Agreement was "
                    "terminated for its own breach, it stops.",
                ),
            ),
        ),
    ),
    Variable(
        key="after_end_months",
        article=15,
        type="number",
        label=Said("終了後に使える期間", "Use after the end"),
        help=Said(
            "「一定の間だけ使える」を選んだときの長さです。",
            "How long data may still be used where that is limited.",
        ),
        default=12,
        least=1,
        most=60,
        unit=MONTHS,
        weighty=False,
    ),
    replace(
        provision.DELETE_DAYS,
        label=Said("利用をやめた後に消去する期限", "Deletion once use stops"),
        help=Said(
            "利用をやめることになってから何日以内にデータを消すかです。",
            "Days to delete the data once use must stop.",
        ),
    ),
    replace(
        provision.DELETION_CERTIFICATE,
        choices=(
            Choice(
                "yes",
                Said("あり", "Yes"),
                Said("消去したことを証明する書面を相手方に交付する。", "and certifies in writing that it has."),
            ),
            Choice(
                "no",
                Said("なし", "No"),
                Said(
                    "相手方が求めたときは、消去したことを知らせる。",
                    "and confirms so when the other asks.",
                ),
            ),
        ),
        weighty=True,
    ),
    # 17, 21
    replace(provision.ASSIGNMENT_ON_MERGER, article=17, weighty=True),
    provision.COURT,
)

# ── the clauses ──────────────────────────────────────────────────────────────────────────────────────────────────────

CLAUSES = (
    _clause(
        1,
        Said("定義", "Definitions"),
        Said(
            "{provider}（以下「甲」という。）と{buyer}（以下「乙」という。）は、{operator}が運営する"
            "データ取引市場（以下「本取引市場」という。）において、共に生み出すデータの利用に関する契約（以下「本契約」という。）を締結する。",
            '{provider} (the "Provider") and {buyer} (the "Buyer") conclude this agreement on the use of data that they create '
            'together (the "Agreement") on the data exchange operated by {operator} (the "exchange").',
        ),
        Said(
            "「本事業」とは、甲および乙が次の目的のために協力して行う事業をいう。「{purpose}」",
            '"Business" means the business in which the Parties cooperate for the following purpose: "{purpose}"',
        ),
        Said("「本件機器」とは、{equipment}をいう。", '"Equipment" means {equipment}.'),
        Said(
            "「対象データ」とは、本事業において本件機器により取得され、または生成されるデータをいい、本取引市場に掲載された"
            "「{listing_title}」（別紙1）のデータを含む。",
            '"Subject Data" means the data that the Equipment obtains or generates in the Business, among them the data '
            '"{listing_title}" listed on the exchange (Annex 1).',
        ),
        Said(
            "「派生データ」とは、対象データを加工、分析、編集または統合することによって新たに生じるデータをいう。",
            '"Derived Data" means data that newly arise when Subject Data are processed, analysed, edited or combined.',
        ),
        Said(
            "「利用権限」とは、データを利用し、加工し、または第三者に提供することができる契約上の地位をいい、「表」とは、別紙A"
            "の利用権限表をいう。",
            '"Rights" in data means the contractual position of a Party that may use them, process them or supply them to '
            'third parties; "table" means the table of usage rights in Annex A.',
        ),
    ),
    _clause(
        2,
        Said("利用権限の配分", "Allocation of rights"),
        Said(
            "甲および乙は、費用の負担、機器の保有、ノウハウ、秘密性その他の双方の寄与を考慮し、対象データの利用権限を、区分および行為"
            "ごとに表のとおり配分する。",
            "Having regard to what each contributes in cost, equipment, know-how, secrecy and otherwise, the Parties allocate "
            "the Rights in Subject Data by category and act as the table says.",
        ),
        Said(
            "表で「可」とされる行為は、相手方の承諾を得ずに行うことができる。「相手方の承諾を要する」とされる行為は、書面または本取引市場を"
            "通じた相手方の事前の承諾を得て行うことができる。「不可」とされる行為は、行ってはならない。",
            'What the table shows as "Allowed" a Party may do without asking; what it shows as "With the other party\'s '
            'consent" with the other\'s prior consent in writing or through the exchange; what it shows as "Not allowed" it '
            "shall not do.",
        ),
        Said("{unlisted_data}", "{unlisted_data}"),
        Said("{use_scope}", "{use_scope}"),
        Said("{territory}", "{territory}"),
        Said(
            "本契約は、対象データに関する知的財産権の帰属を変えるものではない。",
            "This Agreement does not change to whom intellectual property in Subject Data belongs.",
        ),
    ),
    _clause(
        3,
        Said("対象データの提供および内容の確認", "Handing over and looking into Subject Data"),
        Said(
            "甲は、別紙1に定める対象データを、本取引市場が発行する署名付きURLその他の別紙1に定める方法により乙に提供する。",
            "The Provider makes the Subject Data of Annex 1 available to the Buyer by signed URLs issued by the exchange and "
            "by the other means named there.",
        ),
        Said("{updates}", "{updates}"),
        Said("{content_check}", "{content_check}"),
    ),
    _clause(
        4,
        Said("対象データの加工等および派生データ", "Processing and derived data"),
        Said(
            "各当事者は、表で加工が認められる区分に限り、対象データを加工し、分析し、または他のデータと統合することができる。ただし、特定の"
            "個人を識別しようとしてはならない。",
            "Each Party may process, analyse or combine Subject Data of the categories alone for which the table lets it, "
            "and shall not try to identify any person.",
        ),
        Said("{ai_training}", "{ai_training}"),
        Said("{derived_data}", "{derived_data}"),
        Said("{derived_supply}", "{derived_supply}"),
        Said(
            "加工の過程で生じた発明、著作物その他の成果に関する権利は、これを生じさせた当事者に帰属し、双方が生じさせたときは寄与に応じた"
            "共有とする。",
            "Rights in inventions, works and other results of processing belong to the Party that made them and, where both "
            "did, to both in proportion to what each contributed.",
        ),
    ),
    _clause(
        5,
        Said("第三者提供および開示の制限", "Third parties"),
        Said("{supply_consent}", "{supply_consent}"),
        Said(
            "相手方の承諾が必要な場合に承諾を求められた当事者は、{consent_days}日以内に回答する。この期間内に回答がないときは、"
            "{consent_silence}とみなす。",
            "A Party whose consent is needed and asked for answers within {consent_days} days; where it does not, consent is "
            "taken as {consent_silence}.",
        ),
        Said("{sublicense}", "{sublicense}"),
        Said(
            "対象データを第三者に提供する当事者は、その第三者に、利用の目的、管理および再提供の制限について本契約と同等の義務を負わせる。",
            "A Party that supplies Subject Data to a third party binds it to duties equal to those of this Agreement as to "
            "purpose, management and passing on.",
        ),
        Said(
            "法令または条例に基づき開示が求められるときは、必要な範囲で開示することができる。",
            "What laws or ordinances require may be disclosed as far as they do.",
        ),
    ),
    _clause(
        6,
        Said("対価、利益の分配および費用の分担", "Price, profit and cost"),
        Said(
            "乙が本取引市場を通じて対象データの提供を受ける対価は、{price}とする。{price_details}",
            "The price for the Subject Data that the Buyer obtains through the exchange: {price}. {price_details}",
        ),
        Said(
            "対価があるときは、乙は、本取引市場の運営者が甲を代理して交付する請求書に従い、その支払期限までに、消費税および地方消費税"
            "とともにこれを支払う。取得量は本取引市場の計量記録によって確定し、振込手数料は{transfer_fee_bearer}の負担とする。",
            "Where a price is due, the Buyer pays it with consumption tax by the due date of the invoice that the operator "
            "of the exchange issues on the Provider's behalf. The exchange's meter settles quantities. The bank transfer fee "
            "is borne by {transfer_fee_bearer}.",
        ),
        Said(
            "支払が遅れたときは、支払期限の翌日から支払済みまで年{late_rate_percent}%の遅延損害金を支払う。",
            "Late payment bears interest of {late_rate_percent} % a year from the day after the due date until paid.",
        ),
        Said("{cost_sharing}", "{cost_sharing}"),
        Said("{profit_sharing}", "{profit_sharing}"),
        Said("{report_cycle}", "{report_cycle}"),
        Said("{audit}", "{audit}"),
        Said("{commissioned}", "{commissioned}"),
    ),
    _clause(
        7,
        Said("保証および非保証", "Warranty"),
        Said("{warranty_lawful}", "{warranty_lawful}"),
        Said("{warranty_accuracy}", "{warranty_accuracy}"),
        Said("{warranty_non_infringement}", "{warranty_non_infringement}"),
    ),
    _clause(
        8,
        Said("個人情報の取扱い", "Personal information"),
        Said(
            "甲および乙は、対象データに個人情報、個人関連情報または匿名加工情報が含まれるときは、個人情報の保護に関する法律を守る。本人への"
            "通知、公表、同意の取得その他の手続は、{personal_duty}が行う。",
            "Where Subject Data hold personal information, information related to persons or anonymized information, the "
            "Parties observe the Act on the Protection of Personal Information. Notices, publication, consents and other "
            "steps are taken by {personal_duty}.",
        ),
        Said(
            "予定しない個人情報が対象データに含まれることを知った当事者は、直ちにその部分の利用および提供をやめ、相手方に知らせる。",
            "A Party that finds personal information in Subject Data that was not intended stops using and supplying that "
            "part at once and tells the other.",
        ),
    ),
    _clause(
        9,
        Said("管理の方法およびセキュリティ", "Security"),
        Said(
            "各当事者は、善良な管理者の注意をもって、対象データを自己の他の情報と区別して管理し、次の管理措置を講じる。{security_level}",
            "Each Party keeps Subject Data with the care of a good manager and apart from its other information, and takes "
            "the following measures: {security_level}.",
        ),
        Said("{storage_country}", "{storage_country}"),
        Said("{protection}", "{protection}"),
    ),
    _clause(
        10,
        Said("漏えい等への対応", "Leaks"),
        Said(
            "対象データの漏えい、滅失または本契約に反する利用（そのおそれを含む。）を知った当事者は、{leak_notice_hours}時間以内に相手方"
            "および本取引市場の運営者に通知し、拡大を防ぐために必要な措置を講じる。",
            "A Party that learns of a leak or loss of Subject Data, or of use against this Agreement, or of a concern of one, "
            "tells the other and the operator of the exchange within {leak_notice_hours} hours and contains it.",
        ),
        Said(
            "漏えい等が生じた側の当事者は、{leak_report_days}日以内に、自己の費用で原因を調査し、その結果と再発防止策を相手方に報告する。",
            "Within {leak_report_days} days the Party on whose side it happened investigates the cause at its own expense and "
            "reports findings and measures against recurrence.",
        ),
    ),
    _clause(
        11,
        Said("秘密保持", "Confidentiality"),
        Said(
            "甲および乙は、本契約に関して相手方から秘密として開示を受けた情報を、相手方の書面による事前の承諾なく第三者に開示せず、本契約の"
            "ため以外に利用しない。ただし、公知の情報、既に保有していた情報、正当に取得した情報および独自に得た情報を除く。",
            "Neither Party discloses to third parties, without the other's prior written consent, nor uses outside this "
            "Agreement, information received as confidential. Excepted is what is public, was already held, was lawfully "
            "received from others or was found independently.",
        ),
        Said(
            "この義務は、本契約の終了後{nda_years}年間存続する。法令または条例に基づく開示は、これを妨げない。",
            "This duty outlasts the Agreement by {nda_years} years. It does not prevent disclosure under laws and ordinances.",
        ),
        Said(
            "対象データの利用、提供および開示は、この条でなく、第2条から第5条までの定めによる。",
            "Use, supply and disclosure of Subject Data are governed by Articles 2 to 5 instead of this Article.",
        ),
    ),
    _clause(
        12,
        Said("責任の制限", "Liability"),
        Said(
            "対象データまたは派生データの利用に関して第三者から請求があったときは、{third_party_claims}これに対応する。ただし、相手方が"
            "第7条の保証に違反したことによる場合を除く。",
            "Claims of third parties that concern use of Subject Data or Derived Data are answered by {third_party_claims}, "
            "unless they come from a breach of the other's warranty in Article 7.",
        ),
        Said(
            "一方の当事者が本契約に関して相手方に負う損害賠償責任は、{liability_cap}",
            "The liability of one Party to the other in connection with this Agreement {liability_cap}",
        ),
        Said(
            "前項の制限は、故意または重大な過失による場合および利用権限の範囲を超えて対象データを利用し、または第三者に提供した場合には"
            "適用しない。",
            "The limit does not hold for intent, gross negligence, or use or supply of Subject Data beyond one's Rights.",
        ),
    ),
    _clause(
        13,
        Said("有効期間", "Term"),
        Said(
            "本契約の開始の日は、{starts_on}とする。本契約は、本取引市場の運営者が承認した時に効力を生じる。",
            "The first day of this Agreement is {starts_on}. It takes effect when the operator of the exchange approves it.",
        ),
        Said("{term}", "{term}"),
    ),
    _clause(
        14,
        Said("解除", "Termination"),
        Said(
            "甲および乙は、相手方が本契約に違反し、書面または本取引市場を通じた催告の後{cure_days}日以内に是正しないときは、本契約を解除する"
            "ことができる。",
            "Either Party may terminate where the other is in breach and does not cure it within {cure_days} days of a "
            "demand made in writing or through the exchange.",
        ),
        Said(
            "相手方が支払を停止し、破産等の手続の申立てを受け、または第16条に違反したときは、催告を要しない。",
            "No demand is needed where the other Party suspends payment, becomes subject to insolvency proceedings, or "
            "breaches Article 16.",
        ),
        Said(
            "甲および乙は、本取引市場における手続により、理由を示して本契約を将来に向かって解約することができる。",
            "Either Party may end the Agreement for the future through the exchange, giving its reason.",
        ),
    ),
    _clause(
        15,
        Said("終了後の利用権限", "Rights after the end"),
        Said("{after_end}", "{after_end}"),
        Said(
            "この条により利用をやめるときは、各当事者は、{delete_days}日以内に対象データを複製物を含めて消去し、{deletion_certificate}",
            "Where use stops under this Article, each Party deletes the Subject Data with all copies within {delete_days} "
            "days, {deletion_certificate}",
        ),
        Said(
            "派生データについては、第4条の定めに従い、本契約の終了後も利用することができる。",
            "Derived Data may be used after the end as Article 4 says.",
        ),
    ),
    _clause(
        16,
        Said("反社会的勢力の排除", "Exclusion of anti-social forces"),
        Said(
            "甲および乙は、自己およびその役員が暴力団その他の反社会的勢力に該当せず、これと関係を有しないことを表明し、将来にわたって"
            "確約する。",
            "Each Party represents, now and for the future, that neither it nor its officers are or deal with organized "
            "crime groups or other anti-social forces.",
        ),
    ),
    _clause(
        17,
        Said("権利義務の譲渡禁止", "No assignment"),
        Said(
            "甲および乙は、相手方の書面による事前の承諾なく、本契約上の地位または権利義務を第三者に譲渡しない。表で譲渡が認められる利用権限は、"
            "この限りでない。{assignment_on_merger}",
            "Neither Party assigns its position, rights or duties under this Agreement without the other's prior written "
            "consent, save Rights whose transfer the table allows. {assignment_on_merger}",
        ),
        Said(
            "利用権限を譲渡する当事者は、譲り受ける者に本契約と同等の義務を負わせる。",
            "A Party that transfers Rights binds who receives them to duties equal to those of this Agreement.",
        ),
    ),
    _clause(
        18,
        Said("不可抗力", "Force majeure"),
        Said(
            "天災地変、感染症、戦争、法令の制定改廃、通信回線またはクラウドサービスの障害その他当事者の責めに帰することができない事由による"
            "不履行について、当事者は責任を負わない。",
            "Neither Party is liable for failures caused by natural disaster, epidemic, war, change of law, failure of "
            "networks or cloud services, or anything else beyond its control.",
        ),
    ),
    _clause(
        19,
        Said("残存条項", "Survival"),
        Said(
            "第2条、第4条から第6条まで、第8条から第12条まで、第15条、第17条、第20条および第21条は、本契約の終了後も効力を有する。",
            "Articles 2, 4 to 6, 8 to 12, 15, 17, 20 and 21 survive the end of this Agreement.",
        ),
    ),
    _clause(
        20,
        Said("完全合意および変更", "Entire agreement and changes"),
        Said(
            "本契約は、対象データに関する当事者間の合意のすべてであり、これに先立つ合意に優先する。表の区分の追加その他の変更は、本取引市場に"
            "おける双方の承諾による。",
            "This Agreement is the whole agreement of the Parties on Subject Data and prevails over earlier ones. Categories "
            "are added to the table, and other changes made, by assent of both through the exchange.",
        ),
    ),
    _clause(
        21,
        Said("準拠法および紛争解決", "Governing law and disputes"),
        Said(
            "本契約は、日本法に準拠する。日本語の本文を正文とし、英語訳は参考とする。",
            "This Agreement is governed by the law of Japan. The Japanese text binds; the English is a courtesy translation.",
        ),
        Said(
            "本契約に関する紛争は、まず誠実に協議し、解決しないときは{court}を第一審の専属的合意管轄裁判所とする。",
            "Disputes are first discussed in good faith; failing that, {court} has exclusive jurisdiction in the first "
            "instance.",
        ),
    ),
)

ANNEXES = (
    Annex(
        key="usage-rights",
        title=Said("別紙A　利用権限表の見方", "Annex A: How to read the table"),
        paragraphs=(
            Said(
                "利用権限表は、第2条に基づき、対象データの区分ごとに、甲および乙がそれぞれ行うことのできる行為を示す。表の語の意味は、"
                "第2条第2項による。",
                "Under Article 2 the table of usage rights shows, for each category of Subject Data, what the Provider and the "
                "Buyer may do. Its words mean what the second paragraph of that Article says.",
            ),
            Said(
                "表に現れない区分の対象データについては、第2条第3項による。",
                "The third paragraph of that Article settles Subject Data of a category that the table does not show.",
            ),
        ),
        source=Said(
            "データ編 創出型および2017年のガイドラインの考え方にならう（表の形は本取引市場による）",
            "Follows the approach of the data creation model and of the 2017 guidelines (the table is this exchange's own)",
        ),
        confirmed=False,
    ),
)

# ── the rules ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _names(values: Mapping[str, Value]) -> list[str]:
    """The names of the categories as a reader would compare them: full or half width, capital or small is one name."""
    return [unicodedata.normalize("NFKC", str(values[name_key(c)])).strip().casefold() for c in CATEGORIES]


def _repeats(values: Mapping[str, Value]) -> bool:
    named = [name for name in _names(values) if name]
    return len(named) != len(set(named))


def _has_gaps(values: Mapping[str, Value]) -> bool:
    return any(after and not before for before, after in pairwise(_names(values)))


def _has_blank_names(values: Mapping[str, Value]) -> bool:
    return any(values[name_key(c)] != "" and not name for c, name in zip(CATEGORIES, _names(values), strict=True))


def _gives_up_use(values: Mapping[str, Value]) -> bool:
    """Whether the provider may not use data of a category that is there."""
    provider, use = PARTIES[0], ACTS[0]
    return any(
        name and values[cell_key(c, provider, use)] == PROHIBITED.key
        for c, name in zip(CATEGORIES, _names(values), strict=True)
    )


RULES = (
    Rule(
        key="categories_are_named_once",
        fields=("category_2", "category_1", "category_3", "category_4"),
        broken=lambda v, deal: _repeats(v),
        message=Said(
            "同じ名前のデータの区分が二つあります。区分ごとに違う名前を付けてください。",
            "Two data categories have the same name. Give each its own.",
        ),
        source=provision.FROM_THE_ARTICLES,
    ),
    Rule(
        key="categories_have_no_gaps",
        fields=("category_2", "category_3", "category_4"),
        broken=lambda v, deal: _has_gaps(v),
        message=Said(
            "データの区分は、間を空けずに順に名前を付けてください。",
            "Name the data categories one after the other, without a gap.",
        ),
        source=provision.FROM_THE_ARTICLES,
    ),
    Rule(
        key="category_names_say_something",
        fields=("category_2", "category_3", "category_4"),
        broken=lambda v, deal: _has_blank_names(v),
        message=Said(
            "使わない区分は、空白も入れずに空欄にしてください。",
            "Leave a category that is not used empty, without blanks.",
        ),
        source=provision.FROM_THE_ARTICLES,
    ),
    Rule(
        key="municipality_keeps_its_use",
        fields=("category_1_provider_use", "unlisted_data"),
        broken=lambda v, deal: (
            deal.provider_kind == "municipality" and (_gives_up_use(v) or v["unlisted_data"] == "buyer")
        ),
        message=Said(
            "自治体のデータについて、利用者だけが使える配分はできません（公有財産は公平に扱うため）。",
            "Data of a municipality cannot be allocated to the buyer alone: public property is open to all alike.",
        ),
        source=provision.PUBLIC_ASSET,
    ),
    Rule(
        key="revenue_share_needs_reports",
        fields=("report_cycle",),
        broken=lambda v, deal: deal.pricing_model == "revenue_share" and v["report_cycle"] in ("none", "on_request"),
        message=Said(
            "売上配分では、売上額を知るために毎月または四半期ごとの報告が必要です。",
            "Revenue share needs monthly or quarterly reports of sales.",
        ),
        source=provision.RULEBOOK,
    ),
    Rule(
        key="revenue_share_needs_audit",
        fields=("audit",),
        broken=lambda v, deal: deal.pricing_model == "revenue_share" and v["audit"] != "yes",
        message=Said(
            "売上配分では、報告を確かめられるように監査を「あり」にしてください。",
            "Revenue share needs the right to audit the reports.",
        ),
        source=provision.RULEBOOK,
    ),
    Rule(
        key="cost_share_has_a_percentage",
        fields=("cost_buyer_percent",),
        broken=lambda v, deal: (v["cost_sharing"] == "percent") != (int(v["cost_buyer_percent"]) > 0),
        message=Said(
            "利用者の負担割合は、「割合で分担する」を選んだときだけ 1 以上にしてください。",
            "The buyer's part of the cost is above 0 exactly where cost is shared by percentage.",
        ),
        source=provision.RULEBOOK,
    ),
    Rule(
        key="profit_share_has_a_percentage",
        fields=("profit_percent",),
        broken=lambda v, deal: (v["profit_sharing"] == "percent") != (int(v["profit_percent"]) > 0),
        message=Said(
            "分配の割合は、「割合で分配する」を選んだときだけ 1 以上にしてください。",
            "The share of profit is above 0 exactly where profit is shared.",
        ),
        source=provision.RULEBOOK,
    ),
    Rule(
        key="cap_needs_a_price",
        fields=("liability_cap",),
        broken=lambda v, deal: v["liability_cap"] != "none" and deal.pricing_model == "free",
        message=Said(
            "対価が無料のときに対価を損害賠償の上限にすると、双方とも賠償の責任を負わなくなります。「上限なし」にしてください。",
            "Where nothing is paid, a cap by fees would leave neither party liable. Choose no cap.",
        ),
        source=provision.FROM_THE_ARTICLES,
    ),
    provision.COMMISSION_IS_PAID_IN_FULL,
    provision.LEAK_REPORT_FOLLOWS_THE_NOTICE,
    provision.STRICT_SECURITY_STAYS_IN_JAPAN,
)

TEMPLATE = Template(
    key="co-creation",
    version="1.0",
    dated=date(2026, 11, 1),
    kind="contract",
    name=Said("データ創出型", "Data creation"),
    about=Said(
        "提供者と利用者が共に生み出すデータについて、誰が何をしてよいかを表で決めるときの標準契約です。",
        "The standard contract for data that provider and buyer create together: a table settles who may do what.",
    ),
    source=GUIDELINE,
    clauses=CLAUSES,
    variables=VARIABLES,
    rules=RULES,
    annexes=ANNEXES,
    matrix=MATRIX,
)

"""簡易型: one short contract for data that risk little, in 10 articles of our own order.

The idea of a form of a few pages for the trade of accumulated data is that of the 「データに関する取引の推進を目的とした
契約ガイドライン」 (経済産業省, 2015-10-06). None of its articles is confirmed here, and none is printed as official; every
word of the clauses is this exchange's own. What the longer templates leave open is settled here, so that few choices
are left: data about people and prices that need an audit belong to the longer ones, and rules say so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from contracts.guideline import provision_articles as provision
from contracts.guideline.parts import Choice, Clause, Rule, Said, Template

LOW_RISK_CLASSES = frozenset({"non_personal", "statistics"})
GUIDELINE = Said(
    "経済産業省「データに関する取引の推進を目的とした契約ガイドライン」（2015年10月6日）にならい、リスクの低いデータのために短くまとめた"
    "契約です。条の順序、条番号および題名は本取引市場によるもので、ガイドラインとの対応は確認していません。条文の文言はすべて"
    "本取引市場が独自に作成したものです。",
    "A short contract for data of low risk, after METI's Contract Guidelines for Promoting Data Trade of 6 October 2015. "
    "Order, numbers and titles of the articles are this exchange's; how they correspond to the guideline is not "
    "confirmed. The wording of every clause is this exchange's own.",
)
_SOURCE = Said(
    "2015年のガイドラインの考え方にならう（条番号・題名は本取引市場による。ガイドラインとの対応は未確認）",
    "Follows the approach of the 2015 guideline (number and title are this exchange's; correspondence not confirmed)",
)


def _clause(article: int, title: Said, *paragraphs: Said) -> Clause:
    return Clause(article=article, title=title, paragraphs=paragraphs, source=_SOURCE, confirmed=False)


DAYS, MONTHS = Said("日", "days"), Said("か月", "months")

VARIABLES = (
    # 2 ── how it is provided
    replace(
        provision.UPDATES,
        choices=(
            Choice(
                "included",
                Said("含む", "Included"),
                Said(
                    "本契約の期間中に甲が公開する更新版は、提供データに含まれる。",
                    "Releases that the Provider publishes during the term are part of the Data.",
                ),
            ),
            Choice(
                "release_only",
                Said("申込み時の版だけ", "This release only"),
                Said(
                    "提供データは、別紙1に定める版に限る。",
                    "The Data are the release named in Annex 1 alone.",
                ),
            ),
        ),
        weighty=True,
    ),
    # 3 ── what may be done with it
    replace(
        provision.TERRITORY,
        help=Said(
            "利用者がデータを使い、保存してよい場所です。",
            "Where the buyer may use and keep the data.",
        ),
    ),
    replace(
        provision.SUBLICENSE,
        choices=(
            Choice(
                "none",
                Said("利用者だけ", "The buyer alone"),
                Said(
                    "乙は、甲の書面による事前の承諾を得た場合を除き、提供データを第三者に渡し、または公開してはならない。",
                    "The Buyer shall not pass the Data to third parties or publish them without the Provider's prior "
                    "written consent.",
                ),
            ),
            Choice(
                "contractors",
                Said("委託先まで", "Contractors"),
                Said(
                    "乙は、本目的のための業務の委託先に本契約と同じ義務を負わせて利用させる場合および甲の書面による事前の承諾を得た"
                    "場合を除き、提供データを第三者に渡し、または公開してはならない。",
                    "The Buyer shall not pass the Data to third parties or publish them, except to contractors who work "
                    "for the Purpose under the same duties, or with the Provider's prior written consent.",
                ),
            ),
            Choice(
                "affiliates",
                Said("委託先とグループ会社まで", "Contractors and affiliates"),
                Said(
                    "乙は、本目的のための業務の委託先または乙の親会社もしくは子会社に本契約と同じ義務を負わせて利用させる場合および"
                    "甲の書面による事前の承諾を得た場合を除き、提供データを第三者に渡し、または公開してはならない。",
                    "The Buyer shall not pass the Data to third parties or publish them, except to contractors who work "
                    "for the Purpose, its parent or its subsidiaries under the same duties, or with the Provider's prior "
                    "written consent.",
                ),
            ),
        ),
    ),
    replace(
        provision.AI_TRAINING,
        choices=(
            Choice(
                "prohibited",
                Said("認めない", "Not permitted"),
                Said(
                    "乙は、機械学習モデルの学習に提供データを用いない。",
                    "The Buyer does not use the Data to train machine-learning models.",
                ),
            ),
            Choice(
                "permitted",
                Said("認める", "Permitted"),
                Said(
                    "乙は、本目的の範囲で、機械学習モデルの学習に提供データを用いることができる。ただし、提供データを復元できる"
                    "モデルを第三者に渡してはならない。",
                    "The Buyer may train machine-learning models on the Data within the Purpose, but shall not give third "
                    "parties a model from which the Data can be restored.",
                ),
            ),
        ),
    ),
    # 5 ── liability
    replace(provision.LIABILITY_CAP, article=5),
    # 7 ── derived data: never silent, in the shortest contract neither
    replace(
        provision.DERIVED_DATA,
        article=7,
        choices=(
            Choice(
                "recipient",
                Said("利用者だけが使える", "The buyer alone"),
                Said(
                    "派生データは乙のものとし、乙は自由にこれを利用することができる。",
                    "Derived Data are the Buyer's, who may use them freely.",
                ),
            ),
            Choice(
                "shared",
                Said("双方が使える", "Both"),
                Said(
                    "派生データは甲および乙の双方が利用することができ、乙は、甲が求めたときは派生データを甲に渡す。",
                    "Both Parties may use Derived Data; the Buyer hands them to the Provider on request.",
                ),
            ),
            Choice(
                "provider_licence",
                Said("利用者が使え、提供者にも無償で許諾", "The buyer, with a free licence to the provider"),
                Said(
                    "派生データは乙のものとし、乙は、甲がその事業のために派生データを無償で利用することを許諾する。",
                    "Derived Data are the Buyer's, who licenses the Provider to use them for its business free of charge.",
                ),
            ),
        ),
    ),
    # 8 ── term and end
    replace(provision.STARTS_ON, article=8),
    replace(
        provision.TERM,
        article=8,
        help=Said(
            "期間を決めるか、解約するまで続けるかです。自動更新はありません。",
            "Whether the term is fixed or runs until terminated. Nothing renews itself.",
        ),
        choices=(
            Choice(
                "fixed",
                Said("期間を決める", "Fixed"),
                Said(
                    "本契約の期間は、開始の日から{term_months}か月とし、自動では更新しない。",
                    "This Agreement lasts {term_months} months from its first day and does not renew itself.",
                ),
            ),
            Choice(
                "indefinite",
                Said("期間を決めない", "Indefinite"),
                Said(
                    "本契約は、開始の日から、この条により終了するまで続く。",
                    "This Agreement lasts from its first day until it ends under this Article.",
                ),
            ),
        ),
    ),
    replace(
        provision.TERM_MONTHS,
        article=8,
        help=Said("「期間を決める」を選んだときの長さです。", "The length of a fixed term."),
    ),
    replace(provision.CURE_DAYS, article=8),
    # 9, 10
    replace(provision.DELETE_DAYS, article=9),
    replace(provision.COURT, article=10),
)

CLAUSES = (
    _clause(
        1,
        Said("目的および定義", "Purpose and definitions"),
        Said(
            "{provider}（以下「甲」という。）と{buyer}（以下「乙」という。）は、{operator}が運営する"
            "データ取引市場（以下「本取引市場」という。）において、次のデータの利用について契約（以下「本契約」という。）を締結する。",
            '{provider} (the "Provider") and {buyer} (the "Buyer") conclude this agreement on the use of the following data '
            '(the "Agreement") on the data exchange operated by {operator} (the "exchange").',
        ),
        Said(
            "「提供データ」とは、別紙1に定める「{listing_title}」のデータをいう。提供データは、個人に関する情報（統計情報に集計したものを"
            "除く。）を含まない。",
            '"Data" means the data "{listing_title}" described in Annex 1. They hold no information about individuals other '
            "than in aggregated statistics.",
        ),
        Said("「本目的」とは、次の利用目的をいう。「{purpose}」", '"Purpose" means the following use: "{purpose}"'),
        Said(
            "「派生データ」とは、乙が提供データを加工し、または他のデータと合わせることによって新たに得たデータをいう。",
            '"Derived Data" means data newly obtained when the Buyer processes the Data or joins them with others.',
        ),
    ),
    _clause(
        2,
        Said("提供の方法", "How the Data are provided"),
        Said(
            "甲は、本取引市場が発行する署名付きURLその他の別紙1に定める方法により、提供データを乙に提供する。",
            "The Provider makes the Data available to the Buyer by signed URLs issued by the exchange and by the other means "
            "named in Annex 1.",
        ),
        Said("{updates}", "{updates}"),
        Said(
            "甲は、提供データの形式または項目を変えるときは、あらかじめ乙に知らせる。",
            "The Provider tells the Buyer before it changes format or columns.",
        ),
    ),
    _clause(
        3,
        Said("利用の許諾", "Licence"),
        Said(
            "甲は乙に対し、本契約の期間中、本目的の範囲で、{territory}提供データを利用することを許諾する。この許諾は独占的でなく、"
            "提供データに関する権利を乙に移すものではない。",
            "For the term and within the Purpose, the Provider permits the Buyer to use the Data {territory}. The permission "
            "is not exclusive and transfers no right in the Data.",
        ),
        Said("{sublicense}", "{sublicense}"),
        Said("{ai_training}", "{ai_training}"),
        Said(
            "乙は、提供データを本目的以外に利用せず、提供データから特定の個人を識別しようとしない。",
            "The Buyer uses the Data for nothing but the Purpose and does not try to identify any person from them.",
        ),
    ),
    _clause(
        4,
        Said("対価", "Price"),
        Said(
            "提供データの利用の対価は、{price}とする。{price_details}",
            "The price for the use: {price}. {price_details}",
        ),
        Said(
            "対価があるときは、乙は、本取引市場の運営者が甲を代理して交付する請求書の支払期限までに、消費税および地方消費税とともに"
            "これを支払う。取得量は本取引市場の計量記録により、振込手数料は乙の負担とし、支払が遅れたときは法定利率による遅延損害金を"
            "加える。",
            "Where a price is due, the Buyer pays it with consumption tax by the due date of the invoice that the operator "
            "of the exchange issues on the Provider's behalf. The exchange's meter settles quantities, the Buyer bears the "
            "bank transfer fee, and late payment bears interest at the statutory rate.",
        ),
        Said(
            "本契約の終了は、それまでに生じた対価の支払義務に影響しない。",
            "The end of this Agreement does not touch the duty to pay what was earned before.",
        ),
    ),
    _clause(
        5,
        Said("保証および責任", "Warranty and liability"),
        Said(
            "甲は、提供データを本契約に従って提供する権限を有することを保証し、正確性、完全性、最新性、乙の目的への適合性および第三者の"
            "権利を侵害しないことを保証しない。甲は、提供データの誤りを知ったときは、遅滞なく乙に知らせる。",
            "The Provider warrants that it may provide the Data under this Agreement. It does not warrant that they are "
            "accurate, complete, current, fit for the Buyer's purposes or free of third parties' rights, and tells the Buyer "
            "without delay of errors it learns of.",
        ),
        Said(
            "一方の当事者が本契約に関して相手方に負う損害賠償責任は、{liability_cap}",
            "The liability of one Party to the other in connection with this Agreement {liability_cap}",
        ),
        Said(
            "前項は、故意または重大な過失による場合および第3条に違反して提供データを利用し、または第三者に渡した場合には適用しない。",
            "The preceding paragraph does not hold for intent, gross negligence, or use or passing on of the Data against "
            "Article 3.",
        ),
    ),
    _clause(
        6,
        Said("提供データの管理", "Keeping the Data"),
        Said(
            "乙は、提供データを善良な管理者の注意をもって管理し、利用する者を識別できるようにし、通信を暗号化する。",
            "The Buyer keeps the Data with the care of a good manager, identifies who uses them and encrypts transmission.",
        ),
        Said(
            "乙は、提供データの漏えいまたは目的外の利用（そのおそれを含む。）を知ったときは、遅滞なく甲および本取引市場の運営者に"
            "知らせ、拡大を防ぐ。",
            "On learning of a leak or misuse of the Data, or a concern of one, the Buyer tells the Provider and the operator "
            "of the exchange without delay and contains it.",
        ),
    ),
    _clause(
        7,
        Said("派生データ", "Derived data"),
        Said("{derived_data}", "{derived_data}"),
        Said(
            "提供データを復元できる派生データは、提供データと同じに扱う。",
            "Derived Data from which the Data can be restored are treated as the Data themselves.",
        ),
    ),
    _clause(
        8,
        Said("期間および解除", "Term and termination"),
        Said(
            "本契約の開始の日は、{starts_on}とする。本契約は、本取引市場の運営者が承認した時に効力を生じる。",
            "The first day of this Agreement is {starts_on}. It takes effect when the operator of the exchange approves it.",
        ),
        Said("{term}", "{term}"),
        Said(
            "甲および乙は、相手方が本契約に違反し、催告の後{cure_days}日以内に是正しないときは、本契約を解除することができる。",
            "Either Party may terminate where the other is in breach and does not cure it within {cure_days} days of a demand.",
        ),
        Said(
            "甲および乙は、本取引市場における手続により、理由を示して本契約を将来に向かって解約することができる。",
            "Either Party may end the Agreement for the future through the exchange, giving its reason.",
        ),
    ),
    _clause(
        9,
        Said("終了後の措置", "After the end"),
        Said(
            "本契約が終了したときは、乙は提供データの利用をやめ、{delete_days}日以内に複製物を含めて消去し、甲が求めたときは消去したことを"
            "知らせる。派生データは、第7条に従い、その後も利用することができる。",
            "When the Agreement ends the Buyer stops using the Data, deletes them with all copies within {delete_days} days "
            "and confirms so when the Provider asks. Derived Data may be used afterwards as Article 7 says.",
        ),
        Said(
            "第4条から第7条まで、この条および次条は、本契約の終了後も効力を有する。",
            "Articles 4 to 7, this Article and the next survive the end of this Agreement.",
        ),
    ),
    _clause(
        10,
        Said("一般条項", "General"),
        Said(
            "甲および乙は、自己およびその役員が暴力団その他の反社会的勢力でなく、これと関係を有しないことを表明し、将来にわたって確約する。"
            "これに違反した当事者の相手方は、催告なく本契約を解除することができる。",
            "Each Party represents, now and for the future, that neither it nor its officers are or deal with organized "
            "crime groups or other anti-social forces. Where one is in breach, the other may terminate without demand.",
        ),
        Said(
            "甲および乙は、相手方の書面による事前の承諾なく本契約上の地位または権利義務を第三者に譲渡せず、相手方が秘密と示した情報を"
            "第三者に開示しない。法令または条例に基づく開示は、これを妨げない。",
            "Neither Party assigns its position, rights or duties, or discloses what the other marked as confidential, "
            "without the other's prior written consent. Disclosure under laws and ordinances is not prevented.",
        ),
        Said(
            "当事者の責めに帰することができない事由による不履行について、当事者は責任を負わない。",
            "Neither Party is liable for failures that come from anything beyond its control.",
        ),
        Said(
            "本契約の変更は、本取引市場における双方の承諾による。本契約は日本法に準拠し、日本語の本文を正文とする。紛争は誠実に協議し、"
            "解決しないときは{court}を第一審の専属的合意管轄裁判所とする。",
            "Changes are made by assent of both through the exchange. The law of Japan governs; the Japanese text binds. "
            "Disputes are discussed in good faith; failing that, {court} has exclusive jurisdiction in the first instance.",
        ),
    ),
)

_RULEBOOK = Said("本取引市場のひな型規則", "Template rules of this exchange")
# Neither rule is about a variable: they say that this is the wrong template, and so are told of the template itself.
RULES = (
    Rule(
        key="only_low_risk_data",
        fields=("template",),
        broken=lambda v, deal: deal.data_class not in LOW_RISK_CLASSES,
        message=Said(
            "簡易型は、データ区分が「個人に関しない情報」または「統計情報」のデータだけに使えます。ほかのデータには、"
            "データ提供型のひな型を使ってください。",
            "The short form is for data classed as non-personal or as statistics alone. Use a template of data provision "
            "for other data.",
        ),
        source=_RULEBOOK,
    ),
    Rule(
        key="no_revenue_share",
        fields=("template",),
        broken=lambda v, deal: deal.pricing_model == "revenue_share",
        message=Said(
            "売上配分には報告と監査の定めが必要なため、簡易型は使えません。データ提供型のひな型を使ってください。",
            "Revenue share needs reports and audit, which the short form does not have. Use a template of data provision.",
        ),
        source=_RULEBOOK,
    ),
)

TEMPLATE = Template(
    key="short-form",
    version="1.0",
    dated=date(2026, 11, 1),
    kind="contract",
    name=Said("簡易型", "Short form"),
    about=Said(
        "個人に関しないデータや統計情報を、少ない条件で手早く契約するときの短い標準契約です。",
        "The short standard contract for non-personal data and statistics, with few terms to settle.",
    ),
    source=GUIDELINE,
    clauses=CLAUSES,
    variables=VARIABLES,
    rules=RULES,
)

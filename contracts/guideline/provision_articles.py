"""What the three forms of データ提供型 share: variables, articles and rules. Each form's own module adds what is its own.

The three forms (譲渡, 利用許諾, 共同利用) and the order of the articles follow the model contract for data provision in the
data part of the 「AI・データの利用に関する契約ガイドライン」 (経済産業省, 2018-06, version 1.1 2019-12); every word of the
clauses is this exchange's own. The places of articles 1, 3, 5, 8 and 11 are confirmed for the licence form alone, by
cross-references in the edition for industrial safety; everything else, and all of the other two forms, is our reading
(medium confidence) and is never printed as official.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from contracts.guideline.parts import Choice, Clause, Rule, Said, Variable

DAYS, HOURS, MONTHS, YEARS = Said("日", "days"), Said("時間", "hours"), Said("か月", "months"), Said("年", "years")
PERCENT = Said("%", "%")
SHORTEST_MONTH = 28


def guideline(follows: Said) -> Said:
    """The source of a template, which is printed under every contract."""
    return Said(
        f"経済産業省「AI・データの利用に関する契約ガイドライン（データ編）」（2018年6月、2019年12月 1.1版）の{follows.ja}、"
        "条文の文言はすべて本取引市場が独自に作成したものです。",
        f"The structure follows {follows.en} of METI's Contract Guidelines on Utilization of AI and Data, Data Section "
        "(June 2018, version 1.1 December 2019). The wording of every clause is this exchange's own.",
    )


def clause(article: int, title: Said, *paragraphs: Said) -> Clause:
    """An article whose place in the guideline is not confirmed."""
    source = Said(
        "データ編 提供型の構成にならう（条番号・題名は公表資料で未確認）",
        "Follows the structure of the data provision model (article number and title not confirmed)",
    )
    return Clause(article=article, title=title, paragraphs=paragraphs, source=source, confirmed=False)


def confirm(clauses: Iterable[Clause], articles: frozenset[int]) -> tuple[Clause, ...]:
    """The same clauses, of which those of `articles` are known to stand where the guideline has them."""
    return tuple(_confirmed(c) if c.article in articles else c for c in clauses)


def _confirmed(found: Clause) -> Clause:
    source = Said(
        f"データ編 提供型 第{found.article}条に対応（位置は産業保安版の相互参照で確認済み）",
        f"Follows article {found.article} of the data provision model (place confirmed by the industrial safety "
        f"edition)",
    )
    return replace(found, source=source, confirmed=True)


@dataclass(frozen=True)
class Renaming:
    """Other words in place of some, in both languages: all at once, so that two can change places."""

    ja: Mapping[str, str]
    en: Mapping[str, str]

    def said(self, words: Said) -> Said:
        """The words with the others in them."""
        return Said(_put(words.ja, self.ja), _put(words.en, self.en))

    def clause(self, found: Clause) -> Clause:
        """An article, its paragraphs renamed."""
        return replace(found, paragraphs=tuple(self.said(p) for p in found.paragraphs))

    def choices(self, v: Variable, labels: Renaming) -> Variable:
        """A variable: what its options say in the clause is renamed, and by `labels` what the form shows."""
        choices = tuple(
            Choice(c.key, labels.said(c.label), self.said(c.clause) if c.clause else None) for c in v.choices
        )
        return replace(v, label=labels.said(v.label), help=labels.said(v.help), choices=choices)


def _put(words: str, others: Mapping[str, str]) -> str:
    if not others:
        return words
    found = "|".join(re.escape(word) for word in sorted(others, key=len, reverse=True))
    return re.sub(found, lambda m: others[m[0]], words)


SAME = Renaming({}, {})


# ── variables ────────────────────────────────────────────────────────────────────────────────────────────────────────


# 1 ── what it is about
COMMISSIONED = Variable(
    key="commissioned",
    article=1,
    type="choice",
    label=Said("作成の委託", "Made on commission"),
    help=Said(
        "利用者の注文を受けて新たに作るデータかどうかです。「はい」では、作成の委託についての別紙が付きます（取適法などの決まりが"
        "あるためです）。",
        "Whether the data are newly made to the buyer's order. If so, an annex on the commission is attached, because "
        "the law on commissioned work has rules of its own.",
    ),
    default="no",
    choices=(
        Choice(
            "no",
            Said("いいえ", "No"),
            Said(
                "提供データは、乙の委託を受けて新たに作成するものではない。",
                "The Data are not newly made on the Buyer's commission.",
            ),
        ),
        Choice(
            "yes",
            Said("はい", "Yes"),
            Said(
                "提供データは、乙の委託を受けて甲が新たに作成するものであり、作成の委託に関する条件は、本契約に添付する別紙に定める。",
                "The Provider newly makes the Data on the Buyer's commission; an annex to this Agreement says on "
                "which terms.",
            ),
        ),
    ),
)

# 2 ── how it is provided
UPDATES = Variable(
    key="updates",
    article=2,
    type="choice",
    label=Said("契約期間中の更新版", "New releases during the term"),
    help=Said(
        "契約期間中に公開した更新版も渡すかどうかです。一括払いでは、申込み時の版だけを渡すのが通例です。",
        "Whether releases published during the term are covered. One-off prices usually cover one release.",
    ),
    default="included",
    default_for={"one_off": "release_only"},
    choices=(
        Choice(
            "included",
            Said("含む", "Included"),
            Said(
                "契約期間中に甲が公開する提供データの更新版は、本契約の提供データに含まれる。",
                "Releases of the Data that the Provider publishes during the term are covered by this Agreement.",
            ),
        ),
        Choice(
            "release_only",
            Said("申込み時の版だけ", "This release only"),
            Said(
                "提供データは別紙に定める版に限り、その後に公開される更新版を含まない。",
                "The Data are the release named in the Annex alone; later releases are not covered.",
            ),
        ),
    ),
    weighty=False,
)
SPEC_CHANGE_NOTICE_DAYS = Variable(
    key="spec_change_notice_days",
    article=2,
    type="number",
    label=Said("仕様変更の予告", "Notice of changes in format"),
    help=Said(
        "ファイル形式や項目を変えるとき、何日前に知らせるかです。",
        "How many days ahead a change of format or columns is announced.",
    ),
    default=30,
    least=0,
    most=365,
    unit=DAYS,
    weighty=False,
)

# 3 ── what may be done with it
TERRITORY = Variable(
    key="territory",
    article=3,
    type="choice",
    label=Said("利用できる地域", "Territory"),
    help=Said("利用者がデータを使ってよい場所です。", "Where the buyer may use the data."),
    default="japan",
    choices=(
        Choice("japan", Said("日本国内", "Japan"), Said("日本国内において", "in Japan")),
        Choice("worldwide", Said("世界中", "Worldwide"), Said("地域の制限なく", "without territorial limit")),
    ),
)
AI_TRAINING = Variable(
    key="ai_training",
    article=3,
    type="choice",
    label=Said("AIの学習への利用", "Training of AI"),
    help=Said(
        "機械学習モデルの学習に使ってよいかどうかです。学習に使うと、後から取り除くことは困難です。",
        "Whether models may be trained on the data. What was learned is hard to take out again.",
    ),
    default="prohibited",
    choices=(
        Choice(
            "prohibited",
            Said("認めない", "Not permitted"),
            Said(
                "乙は、提供データを機械学習モデルの学習に用いてはならない。",
                "The Buyer shall not use the Data to train machine-learning models.",
            ),
        ),
        Choice(
            "permitted",
            Said("認める", "Permitted"),
            Said(
                "乙は、本目的の範囲で、提供データを機械学習モデルの学習に用いることができる。ただし、提供データを"
                "復元できる形でモデルを第三者に提供してはならない。",
                "The Buyer may use the Data within the Purpose to train machine-learning models, but shall not give "
                "third parties a model from which the Data can be restored.",
            ),
        ),
    ),
)
SUBLICENSE = Variable(
    key="sublicense",
    article=3,
    type="choice",
    label=Said("第三者への利用の許諾", "Use by others"),
    help=Said(
        "利用者の委託先やグループ会社がデータを使ってよいかどうかです。",
        "Whether contractors or affiliates of the buyer may use the data.",
    ),
    default="contractors",
    choices=(
        Choice(
            "none",
            Said("利用者だけ", "The buyer alone"),
            Said(
                "乙は、甲の書面による事前の承諾なく、第三者に提供データを利用させてはならない。",
                "The Buyer shall not let any third party use the Data without the Provider's prior written consent.",
            ),
        ),
        Choice(
            "contractors",
            Said("委託先まで", "Contractors"),
            Said(
                "乙は、本目的のために業務を委託する者に限り、本契約と同等の義務を負わせて提供データを利用させることが"
                "できる。それ以外の第三者に利用させるには、甲の書面による事前の承諾を要する。",
                "The Buyer may let contractors who work for the Purpose use the Data under duties equal to those of "
                "this Agreement. Any other third party requires the Provider's prior written consent.",
            ),
        ),
        Choice(
            "affiliates",
            Said("委託先とグループ会社まで", "Contractors and affiliates"),
            Said(
                "乙は、本目的のために業務を委託する者および乙の親会社・子会社に限り、本契約と同等の義務を負わせて提供"
                "データを利用させることができる。それ以外の第三者に利用させるには、甲の書面による事前の承諾を要する。",
                "The Buyer may let contractors who work for the Purpose, its parent and its subsidiaries use the Data "
                "under duties equal to those of this Agreement. Any other third party requires the Provider's prior "
                "written consent.",
            ),
        ),
    ),
)
PUBLICATION = Variable(
    key="publication",
    article=3,
    type="choice",
    label=Said("結果の公表", "Publication of results"),
    help=Said(
        "データから得た統計や分析の結果を、論文や報告書、ウェブサイトで公表してよいかどうかです。",
        "Whether statistics and results made from the data may be published in papers, reports or on the web.",
    ),
    default="results",
    choices=(
        Choice(
            "results",
            Said("元のデータに戻せない結果は可", "Results from which the data cannot be restored"),
            Said(
                "乙は、第11条の定めにかかわらず、提供データを復元できず、個人を識別できない統計その他の結果を、出所を示して"
                "公表することができる。",
                "Whatever Article 11 says, the Buyer may publish, naming the source, statistics and other results "
                "from which neither the Data can be restored nor a person identified.",
            ),
        ),
        Choice(
            "prior_consent",
            Said("承諾があれば可", "With consent"),
            Said(
                "乙は、提供データから得た統計その他の結果を公表するときは、甲の書面による事前の承諾を得る。",
                "The Buyer obtains the Provider's prior written consent before it publishes statistics or other "
                "results made from the Data.",
            ),
        ),
        Choice(
            "prohibited",
            Said("不可", "Not permitted"),
            Said(
                "乙は、提供データから得た統計その他の結果を公表してはならない。",
                "The Buyer shall not publish statistics or other results made from the Data.",
            ),
        ),
    ),
)

# 4 ── money
TRANSFER_FEE_BEARER = Variable(
    key="transfer_fee_bearer",
    article=4,
    type="choice",
    label=Said("振込手数料の負担", "Bank transfer fee"),
    help=Said("代金を振り込むときの手数料を払う側です。", "Who pays the fee of the bank transfer."),
    default="buyer",
    choices=(
        Choice("buyer", Said("利用者", "The buyer"), Said("乙", "the Buyer")),
        Choice("provider", Said("提供者", "The provider"), Said("甲", "the Provider")),
    ),
    weighty=False,
)
LATE_RATE_PERCENT = Variable(
    key="late_rate_percent",
    article=4,
    type="number",
    label=Said("遅延損害金（年）", "Interest on late payment (a year)"),
    help=Said(
        "支払が遅れたときの年率です。民法の法定利率は年3%です（3年ごとに見直し）。",
        "The yearly rate on late payment. The statutory rate is 3 % (reviewed every three years).",
    ),
    default=3,
    least=0,
    most=14,
    unit=PERCENT,
)

# 5 ── warranty
WARRANTY_LAWFUL = Variable(
    key="warranty_lawful",
    article=5,
    type="choice",
    label=Said("適法に取得したこと", "Lawful acquisition"),
    help=Said("データを適法に取得し、提供する権限があることの保証です。", "That the data were lawfully acquired."),
    default="warranted",
    choices=(
        Choice(
            "warranted",
            Said("保証する", "Warranted"),
            Said(
                "甲は、提供データを適法に取得し、本契約に従って提供する権限を有することを保証する。",
                "The Provider warrants that it acquired the Data lawfully and may provide them under this Agreement.",
            ),
        ),
        Choice(
            "best_effort",
            Said("努める", "Best effort"),
            Said(
                "甲は、提供データの取得が適法であることを確認するよう努める。",
                "The Provider shall endeavour to confirm that the Data were acquired lawfully.",
            ),
        ),
    ),
)
WARRANTY_ACCURACY = Variable(
    key="warranty_accuracy",
    article=5,
    type="choice",
    label=Said("正確さ・完全さ", "Accuracy and completeness"),
    help=Said("データに誤りや欠けがないことの扱いです。", "What holds for errors and gaps in the data."),
    default="none",
    choices=(
        Choice(
            "none",
            Said("保証しない", "Not warranted"),
            Said(
                "甲は、提供データの正確性、完全性、最新性および乙の目的への適合性を保証しない。ただし、甲は故意に"
                "提供データを改ざんしない。",
                "The Provider does not warrant that the Data are accurate, complete, current or fit for the Buyer's "
                "purposes. It shall not, however, falsify them intentionally.",
            ),
        ),
        Choice(
            "best_effort",
            Said("努める", "Best effort"),
            Said(
                "甲は、提供データを正確かつ完全なものとするよう努め、誤りを知ったときは遅滞なく乙に知らせる。",
                "The Provider shall endeavour to keep the Data accurate and complete and shall tell the Buyer without "
                "delay of errors it learns of.",
            ),
        ),
        Choice(
            "warranted",
            Said("保証する", "Warranted"),
            Said(
                "甲は、提供データが別紙の説明と一致することを保証する。",
                "The Provider warrants that the Data agree with their description in the Annex.",
            ),
        ),
    ),
)
WARRANTY_NON_INFRINGEMENT = Variable(
    key="warranty_non_infringement",
    article=5,
    type="choice",
    label=Said("第三者の権利を侵害しないこと", "Non-infringement"),
    help=Said(
        "データの利用が第三者の権利を侵害しないことの扱いです。",
        "What holds for rights of third parties in the data.",
    ),
    default="best_effort",
    choices=(
        Choice(
            "none",
            Said("保証しない", "Not warranted"),
            Said(
                "甲は、提供データの利用が第三者の権利を侵害しないことを保証しない。",
                "The Provider does not warrant that use of the Data infringes no right of a third party.",
            ),
        ),
        Choice(
            "best_effort",
            Said("努める", "Best effort"),
            Said(
                "甲は、提供データの利用が第三者の権利を侵害しないよう努め、侵害のおそれを知ったときは遅滞なく乙に知らせる。",
                "The Provider shall endeavour that use of the Data infringes no right of a third party and shall tell "
                "the Buyer without delay of any concern it learns of.",
            ),
        ),
        Choice(
            "warranted",
            Said("保証する", "Warranted"),
            Said(
                "甲は、本契約に従った提供データの利用が第三者の権利を侵害しないことを保証する。",
                "The Provider warrants that use of the Data under this Agreement infringes no right of a third party.",
            ),
        ),
    ),
)
DEFECT_NOTICE_DAYS = Variable(
    key="defect_notice_days",
    article=5,
    type="number",
    label=Said("不具合を知らせる期間", "Time to report defects"),
    help=Said("受け取ってから何日以内に不具合を知らせるかです。", "Days after receipt to report defects."),
    default=14,
    least=1,
    most=365,
    unit=DAYS,
    weighty=False,
)
REMEDY = Variable(
    key="remedy",
    article=5,
    type="choice",
    label=Said("不具合への対応", "Remedy"),
    help=Said("データが説明と違ったときの対応です。", "What happens when the data differ from their description."),
    default="redelivery",
    choices=(
        Choice(
            "redelivery",
            Said("提供し直す", "Delivered anew"),
            Said("正しい提供データを無償で提供し直す", "provide the right Data anew, free of charge"),
        ),
        Choice(
            "refund",
            Said("提供し直すか返金する", "Delivered anew or refunded"),
            Said(
                "正しい提供データを無償で提供し直し、これができないときはその部分に相当する対価を返還する",
                "provide the right Data anew, free of charge, or, where it cannot, refund the price of that part",
            ),
        ),
    ),
)

# 6 ── liability
LIABILITY_CAP = Variable(
    key="liability_cap",
    article=6,
    type="choice",
    label=Said("損害賠償の上限", "Cap on liability"),
    help=Said(
        "一方が相手に払う損害賠償の上限です。故意または重大な過失がある場合には上限はありません。",
        "The most that one party pays the other in damages; no cap holds for intent or gross negligence.",
    ),
    default="fees_12_months",
    choices=(
        Choice(
            "fees_12_months",
            Said("直近12か月の対価", "Fees of the last 12 months"),
            Said(
                "損害の原因が生じた日までの12か月間に乙が支払うべき対価の額を上限とする。",
                "is limited to the fees due from the Buyer for the 12 months before the cause of the damage arose.",
            ),
        ),
        Choice(
            "fees_total",
            Said("契約全体の対価", "All fees of the contract"),
            Said(
                "本契約に基づき乙が支払うべき対価の総額を上限とする。",
                "is limited to the total of the fees due from the Buyer under this Agreement.",
            ),
        ),
        Choice(
            "none",
            Said("上限なし", "No cap"),
            Said(
                "現実に生じた通常の損害の範囲とし、金額の上限を設けない。",
                "covers the ordinary damage that really arose and has no upper limit.",
            ),
        ),
    ),
)
THIRD_PARTY_CLAIMS = Variable(
    key="third_party_claims",
    article=6,
    type="choice",
    label=Said("利用から生じた第三者との争い", "Claims of third parties from use"),
    help=Said(
        "利用者の使い方が原因で第三者から請求を受けたときに対応する側です。",
        "Who answers claims of third parties that come from the buyer's use.",
    ),
    default="buyer",
    choices=(
        Choice(
            "buyer",
            Said("利用者が対応", "The buyer"),
            Said("乙が、その費用と責任で", "the Buyer, at its own cost,"),
        ),
        Choice(
            "together",
            Said("原因に応じて分担", "Both, by cause"),
            Said("甲および乙が、それぞれの原因の割合に応じて", "the Parties, in proportion to what each caused,"),
        ),
    ),
)

# 7 ── reports and audit
REPORT_CYCLE = Variable(
    key="report_cycle",
    article=7,
    type="choice",
    label=Said("利用状況の報告", "Reports of use"),
    help=Said(
        "利用者が使い方を報告する頻度です。売上配分では、毎月または四半期ごとの報告が必要です。",
        "How often the buyer reports its use. Revenue share needs monthly or quarterly reports.",
    ),
    default="on_request",
    default_for={"revenue_share": "monthly"},
    choices=(
        Choice(
            "none",
            Said("なし", "None"),
            Said(
                "乙は、提供データの利用状況を報告することを要しない。",
                "The Buyer need not report its use of the Data.",
            ),
        ),
        Choice(
            "on_request",
            Said("求めに応じて", "On request"),
            Said(
                "乙は、甲の求めがあったときは、提供データの利用状況を遅滞なく報告する。",
                "The Buyer shall report its use of the Data without delay when the Provider asks.",
            ),
        ),
        Choice(
            "monthly",
            Said("毎月", "Monthly"),
            Said(
                "乙は、提供データの利用状況（対価を売上額により算定するときは、その額を含む。）を、翌月10日までに毎月報告する。",
                "The Buyer shall report its use of the Data (with the sales, where the fee is computed from them) "
                "every month, by the 10th of the next.",
            ),
        ),
        Choice(
            "quarterly",
            Said("四半期ごと", "Quarterly"),
            Said(
                "乙は、提供データの利用状況（対価を売上額により算定するときは、その額を含む。）を、四半期ごとに、その翌月10日までに報告する。",
                "The Buyer shall report its use of the Data (with the sales, where the fee is computed from them) "
                "every quarter, by the 10th of the month after it.",
            ),
        ),
    ),
    weighty=False,
)
AUDIT = Variable(
    key="audit",
    article=7,
    type="choice",
    label=Said("監査", "Audit"),
    help=Said(
        "提供者が利用者の帳簿や管理の状況を確認できるかどうかです。",
        "Whether the provider may inspect the buyer's records.",
    ),
    default="no",
    default_for={"revenue_share": "yes"},
    choices=(
        Choice(
            "yes",
            Said("あり", "Yes"),
            Said(
                "甲は、{audit_notice_days}日前までに書面で通知し、乙の営業時間内に、提供データの利用と管理に関する記録を"
                "監査することができる。監査の費用は甲の負担とする。ただし、報告に5%を超える不足が見つかったときは乙の負担とする。",
                "On {audit_notice_days} days' written notice and within the Buyer's business hours, the Provider may "
                "audit the records of use and management of the Data. It bears the cost, unless reports prove to fall "
                "short by more than 5 %, in which case the Buyer does.",
            ),
        ),
        Choice("no", Said("なし", "No"), Said("甲は、監査を行わない。", "The Provider does not audit.")),
    ),
)
AUDIT_NOTICE_DAYS = Variable(
    key="audit_notice_days",
    article=7,
    type="number",
    label=Said("監査の予告", "Notice of audits"),
    help=Said("監査を行うとき、何日前に知らせるかです。", "Days' notice before an audit."),
    default=14,
    least=1,
    most=90,
    unit=DAYS,
    weighty=False,
)

# 8 ── keeping it safe
SECURITY_LEVEL = Variable(
    key="security_level",
    article=8,
    type="choice",
    label=Said("管理の水準", "Level of security"),
    help=Said(
        "利用者がデータを守る水準です。L1は公開に近いデータ、L2は契約データの標準、L3は特に慎重に扱うデータ向けです。",
        "How the buyer protects the data: L1 for nearly open data, L2 the standard, L3 for the most delicate.",
    ),
    default="L2",
    choices=(
        Choice(
            "L1",
            Said("L1（基本）", "L1 (basic)"),
            Said(
                "利用者の識別および通信の暗号化",
                "identification of users and encryption in transit",
            ),
        ),
        Choice(
            "L2",
            Said("L2（標準）", "L2 (standard)"),
            Said(
                "多要素認証、保存時の暗号化、利用の必要がある者への限定および3年間の利用記録の保存",
                "multi-factor sign-in, encryption at rest, access for those alone who need it, and records of use "
                "kept for three years",
            ),
        ),
        Choice(
            "L3",
            Said("L3（厳格）", "L3 (strict)"),
            Said(
                "L2の措置に加え、利用者の名簿、日本国内での保存、年1回の自己点検および第三者認証（JIS Q 27001等）またはこれに"
                "準じる体制",
                "the measures of L2, a list of named users, storage in Japan, a yearly self-check, and a third-party "
                "certificate (such as JIS Q 27001) or an equal organization",
            ),
        ),
    ),
)
STORAGE_COUNTRY = Variable(
    key="storage_country",
    article=8,
    type="choice",
    chooser="buyer",
    label=Said("保存する国", "Country of storage"),
    help=Said(
        "データを保存する場所です。国外に保存する契約は、運営者2名の承認が必要です。",
        "Where the data are kept. Storage abroad needs the approval of two administrators.",
    ),
    default="japan",
    choices=(
        Choice(
            "japan",
            Said("日本国内", "Japan"),
            Said("乙は、提供データを日本国内で保存する。", "The Buyer shall keep the Data in Japan."),
        ),
        Choice(
            "worldwide",
            Said("国外を含む", "Also abroad"),
            Said(
                "乙は、提供データを日本国外で保存することができる。この場合、保存する国と管理の方法を甲に知らせる。",
                "The Buyer may keep the Data outside Japan, and shall tell the Provider in which country and how.",
            ),
        ),
    ),
)

# 9 ── when something goes wrong
LEAK_NOTICE_HOURS = Variable(
    key="leak_notice_hours",
    article=9,
    type="number",
    label=Said("漏えい等の第一報", "First notice of a leak"),
    help=Said("漏えいなどを知ってから何時間以内に知らせるかです。", "Hours to tell the other side of a leak."),
    default=24,
    least=1,
    most=240,
    unit=HOURS,
)
LEAK_REPORT_DAYS = Variable(
    key="leak_report_days",
    article=9,
    type="number",
    label=Said("漏えい等の調査報告", "Report on a leak"),
    help=Said("原因と対策を何日以内に報告するかです。", "Days to report causes and remedies."),
    default=14,
    least=1,
    most=90,
    unit=DAYS,
    weighty=False,
)

# 10
NDA_YEARS = Variable(
    key="nda_years",
    article=10,
    type="number",
    label=Said("契約終了後の秘密保持", "Secrecy after the end"),
    help=Said("契約が終わってから秘密を守る年数です。", "Years for which secrecy outlasts the contract."),
    default=3,
    least=0,
    most=20,
    unit=YEARS,
    weighty=False,
)

# 11 ── derived data
DERIVED_DATA = Variable(
    key="derived_data",
    article=11,
    type="choice",
    label=Said("派生データの利用権限", "Rights in derived data"),
    help=Said(
        "データを加工・分析して得たものを誰が使えるかです。最も話合いになりやすい項目なので、必ず確認してください。",
        "Who may use what is made from the data. The most negotiated point of all: look at it in every deal.",
    ),
    default="recipient",
    choices=(
        Choice(
            "recipient",
            Said("利用者だけが使える", "The buyer alone"),
            Said(
                "派生データの利用権限は乙に帰属し、乙は自由にこれを利用することができる。",
                "Rights in Derived Data belong to the Buyer, who may use them freely.",
            ),
        ),
        Choice(
            "shared",
            Said("双方が使える", "Both"),
            Said(
                "派生データは甲および乙の双方が利用することができ、乙は甲の求めに応じて派生データを甲に提供する。",
                "Both Parties may use Derived Data; the Buyer shall give them to the Provider on request.",
            ),
        ),
        Choice(
            "provider_licence",
            Said("利用者が使え、提供者にも無償で許諾", "The buyer, with a free licence to the provider"),
            Said(
                "派生データの利用権限は乙に帰属し、乙は甲に対し、派生データを甲の事業のために無償で利用することを許諾する。",
                "Rights in Derived Data belong to the Buyer, who licenses the Provider to use them for its business "
                "free of charge.",
            ),
        ),
    ),
)
DERIVED_SUPPLY = Variable(
    key="derived_supply",
    article=11,
    type="choice",
    label=Said("派生データの第三者提供", "Giving derived data to others"),
    help=Said("加工・分析して得たものを第三者に渡してよいかどうかです。", "Whether derived data may go to others."),
    default="not_restorable",
    choices=(
        Choice(
            "not_restorable",
            Said("元のデータに戻せないものは可", "If the data cannot be restored from them"),
            Said(
                "乙は、提供データを復元できない派生データに限り、第三者に提供することができる。",
                "The Buyer may give third parties Derived Data from which the Data cannot be restored.",
            ),
        ),
        Choice(
            "prior_consent",
            Said("承諾があれば可", "With consent"),
            Said(
                "乙は、甲の書面による事前の承諾を得た場合に限り、派生データを第三者に提供することができる。",
                "The Buyer may give Derived Data to third parties only with the Provider's prior written consent.",
            ),
        ),
        Choice(
            "prohibited",
            Said("不可", "Not permitted"),
            Said(
                "乙は、派生データを第三者に提供してはならない。",
                "The Buyer shall not give Derived Data to third parties.",
            ),
        ),
    ),
)
DERIVED_PROFIT = Variable(
    key="derived_profit",
    article=11,
    type="choice",
    label=Said("派生データの利益の分配", "Profit from derived data"),
    help=Said(
        "派生データから得た利益を提供者に分けるかどうかです。",
        "Whether profit from derived data is shared with the provider.",
    ),
    default="none",
    choices=(
        Choice(
            "none",
            Said("分配しない", "Not shared"),
            Said(
                "乙は、派生データから得た利益を甲に分配することを要しない。",
                "The Buyer need not share profit from Derived Data with the Provider.",
            ),
        ),
        Choice(
            "percent",
            Said("割合で分配する", "A percentage"),
            Said(
                "乙は、派生データを第三者に提供して得た対価の{derived_profit_percent}%を、本取引市場の外で甲に分配する。",
                "The Buyer shall pay the Provider, outside this exchange, {derived_profit_percent} % of what third "
                "parties pay for Derived Data.",
            ),
        ),
    ),
)
DERIVED_PROFIT_PERCENT = Variable(
    key="derived_profit_percent",
    article=11,
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
)

# 12 ── term
STARTS_ON = Variable(
    key="starts_on",
    article=12,
    type="date",
    chooser="buyer",
    label=Said("利用を始める日", "First day"),
    help=Said(
        "空欄にすると、運営者が承認した日から始まります。", "Left empty, the term begins on the day of approval."
    ),
    default="",
    empty=Said("本取引市場の運営者が承認した日", "the day on which the operator of the exchange approves"),
    weighty=False,
)
TERM = Variable(
    key="term",
    article=12,
    type="choice",
    label=Said("契約期間", "Term"),
    help=Said(
        "期間を決めて終えるか、断らない限り更新するか、解約するまで続けるかです。更新を断る期限は、別の項目で決めます。",
        "Whether the term ends, renews itself unless refused, or runs until terminated. Another item says until "
        "when renewal can be refused.",
    ),
    default="fixed",
    default_for={"one_off": "indefinite"},
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
            "renewing",
            Said("更新する", "Renewing"),
            Said(
                "本契約の有効期間は、開始の日から{term_months}か月とする。期間の満了の{renewal_notice_days}日前までに、甲または乙が"
                "本取引市場を通じて更新しない旨を相手方に通知しないときは、本契約は同じ条件で同じ期間更新し、その後も同様とする。"
                "一括の対価は、更新によって改めて生じない。乙が地方公共団体であるときは、債務負担行為、長期継続契約その他の根拠が"
                "本取引市場に記録されている場合を除き、3月31日を越えて更新しない。",
                "This Agreement lasts {term_months} months from its first day. It renews itself for the same length "
                "on the same terms, time and again, unless a Party tells the other through the exchange at least "
                "{renewal_notice_days} days before the end that it refuses. A one-off price does not fall due again. "
                "Where the Buyer is a municipality, the term does not renew past 31 March unless its ground (an act "
                "of debt obligation, a long-term continuing contract or another) is recorded on the exchange.",
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
    weighty=False,
)
TERM_MONTHS = Variable(
    key="term_months",
    article=12,
    type="number",
    label=Said("契約期間（か月）", "Term in months"),
    help=Said("「期間を決める」「更新する」を選んだときの長さです。", "The length of a fixed or renewing term."),
    default=12,
    least=1,
    most=120,
    unit=MONTHS,
    weighty=False,
)
RENEWAL_NOTICE_DAYS = Variable(
    key="renewal_notice_days",
    article=12,
    type="number",
    label=Said("更新を断る期限", "Notice against renewal"),
    help=Said(
        "「更新する」を選んだとき、期間の満了の何日前までに断れるかです。",
        "With a renewing term: how many days before the end renewal can still be refused.",
    ),
    default=30,
    least=1,
    most=180,
    unit=DAYS,
    weighty=False,
)

# 14, 15 ── the end
CURE_DAYS = Variable(
    key="cure_days",
    article=14,
    type="number",
    label=Said("是正の期間", "Time to cure"),
    help=Said(
        "違反を直すための日数です。この間に直らなければ解約できます。", "Days to cure a breach before termination."
    ),
    default=14,
    least=1,
    most=90,
    unit=DAYS,
    weighty=False,
)
DELETE_DAYS = Variable(
    key="delete_days",
    article=15,
    type="number",
    label=Said("終了後に消去する期限", "Deletion after the end"),
    help=Said("契約が終わってから何日以内にデータを消すかです。", "Days to delete the data after the end."),
    default=30,
    least=1,
    most=365,
    unit=DAYS,
    weighty=False,
)
DELETION_CERTIFICATE = Variable(
    key="deletion_certificate",
    article=15,
    type="choice",
    label=Said("消去の証明書", "Certificate of deletion"),
    help=Said("消したことの証明書を出すかどうかです。", "Whether deletion is certified."),
    default="no",
    choices=(
        Choice(
            "yes",
            Said("あり", "Yes"),
            Said("消去したことを証明する書面を甲に交付する。", "and shall certify in writing that it has."),
        ),
        Choice(
            "no",
            Said("なし", "No"),
            Said(
                "甲の求めがあったときは、消去したことを甲に知らせる。",
                "and shall confirm so when the Provider asks.",
            ),
        ),
    ),
    weighty=False,
)

# 18, 21
ASSIGNMENT_ON_MERGER = Variable(
    key="assignment_on_merger",
    article=18,
    type="choice",
    label=Said("合併等による承継", "Succession by merger"),
    help=Said(
        "合併や会社分割のときに契約を引き継げるかどうかです。",
        "Whether the contract passes on in a merger or split.",
    ),
    default="notice",
    choices=(
        Choice(
            "notice",
            Said("通知すれば可", "With notice"),
            Said(
                "ただし、合併または会社分割による承継は、遅滞なく相手方に通知すれば足りる。",
                "Succession by merger or company split requires prompt notice alone.",
            ),
        ),
        Choice(
            "consent",
            Said("承諾が必要", "With consent"),
            Said(
                "合併または会社分割による承継についても同様とする。",
                "The same holds for succession by merger or company split.",
            ),
        ),
    ),
    weighty=False,
)
COURT = Variable(
    key="court",
    article=21,
    type="text",
    label=Said("管轄裁判所", "Court"),
    help=Said("争いになったときの第一審の裁判所です。", "The court of first instance for disputes."),
    default="東京地方裁判所",
    weighty=False,
)


# ── articles ─────────────────────────────────────────────────────────────────────────────────────────────────────────

THE_DATA = Said(
    "「提供データ」とは、別紙1に定める「{listing_title}」のデータをいう。",
    '"Data" means the data "{listing_title}" described in Annex 1.',
)
DERIVED = Said(
    "「派生データ」とは、乙が提供データを加工、分析、編集または統合することによって新たに生じたデータをいう。",
    '"Derived Data" means data that newly arise when the Buyer processes, analyses, edits or combines the Data.',
)
ANNOUNCED_CHANGES = Said(
    "甲は、提供データの形式または項目を変更するときは、{spec_change_notice_days}日前までに乙に通知する。変換に要する費用は乙の負担とする。",
    "The Provider announces changes of format or columns {spec_change_notice_days} days ahead. The Buyer bears the "
    "cost of conversion on its side.",
)
GRANT = Said(
    "甲は乙に対し、本契約の有効期間中、本目的の範囲で、{territory}提供データを利用する権利を許諾する。",
    "The Provider grants the Buyer, for the term and within the Purpose, the right to use the Data {territory}.",
)
BOUNDS = (
    Said("{sublicense}", "{sublicense}"),
    Said("{ai_training}", "{ai_training}"),
    Said("{publication}", "{publication}"),
    Said(
        "乙は、提供データから特定の個人を識別しようとし、または本目的以外のために提供データを利用してはならない。",
        "The Buyer shall not try to identify any person from the Data, nor use them for anything but the Purpose.",
    ),
    Said(
        "本契約は、提供データに関する権利を乙に移転するものではない。",
        "This Agreement transfers no right in the Data to the Buyer.",
    ),
)
REPORTS = (Said("{report_cycle}", "{report_cycle}"), Said("{audit}", "{audit}"))


def parties(agreement: Said) -> Said:
    """The first paragraph: who concludes which contract, and where."""
    return Said(
        "{provider}（以下「甲」という。）と{buyer}（以下「乙」という。）は、{operator}が運営するデータ取引市場（以下「本取引市場」という。）"
        f"において、次のとおり{agreement.ja}（以下「本契約」という。）を締結する。",
        f'{{provider}} (the "Provider") and {{buyer}} (the "Buyer") conclude this agreement {agreement.en} (the '
        '"Agreement") on the data exchange operated by {operator} (the "exchange").',
    )


def payment(price: Said, *more: Said) -> Clause:
    """Article 4: what is paid, when, and what follows where it is not."""
    return clause(
        4,
        Said("対価・支払条件", "Price and payment"),
        price,
        *more,
        Said(
            "乙は、本取引市場の運営者が甲を代理して交付する請求書に従い、その支払期限までに、消費税および地方消費税とともに対価を"
            "支払う。振込手数料は{transfer_fee_bearer}の負担とする。",
            "The Buyer pays the price with consumption tax by the due date of the invoice that the operator of the "
            "exchange issues on the Provider's behalf. The bank transfer fee is borne by {transfer_fee_bearer}.",
        ),
        Said(
            "支払が遅れたときは、乙は支払期限の翌日から支払済みまで年{late_rate_percent}%の遅延損害金を支払う。",
            "Late payment bears interest of {late_rate_percent} % a year from the day after the due date until paid.",
        ),
        Said(
            "本契約の終了は、それまでに生じた対価の支払義務に影響しない。",
            "The end of this Agreement does not touch the duty to pay what was earned before.",
        ),
    )


def warranty() -> Clause:
    """Article 5: what is warranted and what is not."""
    return clause(
        5,
        Said("提供データの保証・非保証", "Warranty"),
        Said("{warranty_lawful}", "{warranty_lawful}"),
        Said("{warranty_accuracy}", "{warranty_accuracy}"),
        Said("{warranty_non_infringement}", "{warranty_non_infringement}"),
        Said(
            "乙が提供データの受領後{defect_notice_days}日以内に、別紙1の説明との相違を甲に通知したときは、甲は{remedy}。",
            "Where the Buyer reports within {defect_notice_days} days of receipt that the Data differ from their "
            "description in Annex 1, the Provider shall {remedy}.",
        ),
    )


def liability(unlimited: Said) -> Clause:
    """Article 6: who answers whom, up to how much, and where no limit holds."""
    return clause(
        6,
        Said("責任の制限等", "Liability"),
        Said(
            "乙による提供データの利用に関して第三者から請求があったときは、{third_party_claims}これに対応する。"
            "ただし、甲が前条の保証に違反したことによる場合を除く。",
            "Claims of third parties that concern the Buyer's use of the Data are answered by {third_party_claims} "
            "unless they come from a breach of the Provider's warranty in the preceding Article.",
        ),
        Said(
            "一方の当事者が本契約に関して相手方に負う損害賠償責任は、{liability_cap}",
            "The liability of one Party to the other in connection with this Agreement {liability_cap}",
        ),
        Said(
            f"前項の制限は、故意または重大な過失による場合および{unlimited.ja}には適用しない。",
            f"The limit does not hold for intent, gross negligence, {unlimited.en}.",
        ),
    )


MISUSE = Said(
    "本目的以外の利用または無断の第三者提供による場合",
    "use outside the Purpose or unauthorized supply to third parties",
)


def reporting(*paragraphs: Said) -> Clause:
    """Article 7."""
    return clause(7, Said("利用状況の報告・監査", "Reports and audit"), *paragraphs)


def keeping() -> Clause:
    """Article 8: how the receiving side keeps the data."""
    return clause(
        8,
        Said("提供データの管理", "Keeping the Data"),
        Said(
            "乙は、善良な管理者の注意をもって、提供データを自己の他の情報と区別して管理する。",
            "The Buyer shall keep the Data with the care of a good manager and apart from its other information.",
        ),
        Said(
            "乙は、次の管理措置を講じる。{security_level}",
            "The Buyer takes the following measures: {security_level}.",
        ),
        Said("{storage_country}", "{storage_country}"),
        Said(
            "甲は、乙の管理が不十分であると認めるときは、報告および是正を求めることができる。",
            "Where the Provider finds the Buyer's management wanting, it may ask for a report and for correction.",
        ),
    )


def mitigation(*first: Said) -> Clause:
    """Article 9: tell of a leak, contain it, find out why."""
    return clause(
        9,
        Said("損害軽減義務", "Mitigation"),
        *first,
        Said(
            "乙は、提供データの漏えい、滅失または目的外利用（そのおそれを含む。）を知ったときは、{leak_notice_hours}時間以内に甲"
            "および本取引市場の運営者に通知し、拡大を防ぐために必要な措置を講じる。",
            "On learning of a leak, loss or misuse of the Data, or a concern of one, the Buyer shall tell the "
            "Provider and the operator of the exchange within {leak_notice_hours} hours and contain it.",
        ),
        Said(
            "乙は、{leak_report_days}日以内に、自己の費用で原因を調査し、その結果と再発防止策を甲に報告する。",
            "Within {leak_report_days} days the Buyer investigates the cause at its own expense and reports findings "
            "and measures against recurrence to the Provider.",
        ),
    )


def secrecy(*more: Said) -> Clause:
    """Article 10."""
    return clause(
        10,
        Said("秘密保持義務", "Confidentiality"),
        Said(
            "甲および乙は、本契約に関して相手方から秘密として開示を受けた情報を、相手方の書面による事前の承諾なく第三者に開示せず、"
            "本契約のため以外に利用しない。ただし、公知の情報、既に保有していた情報、正当に取得した情報、独自に得た情報および法令に"
            "よって開示が求められる情報を除く。",
            "Neither Party discloses to third parties, without the other's prior written consent, nor uses outside "
            "this Agreement, information received as confidential. Excepted is what is public, was already held, was "
            "lawfully received from others, was found independently, or must be disclosed by law.",
        ),
        *more,
        Said(
            "この義務は、本契約の終了後{nda_years}年間存続する。情報公開に関する法令または条例に基づく開示は、これを妨げない。",
            "This duty outlasts the Agreement by {nda_years} years. It does not prevent disclosure under laws or "
            "ordinances on access to information.",
        ),
    )


def derived(*paragraphs: Said) -> Clause:
    """Article 11."""
    return clause(11, Said("派生データ等の取扱い", "Derived data"), *paragraphs)


DERIVED_RIGHTS = (
    Said("{derived_data}", "{derived_data}"),
    Said("{derived_supply}", "{derived_supply}"),
    Said("{derived_profit}", "{derived_profit}"),
)


def duration() -> Clause:
    """Article 12."""
    return clause(
        12,
        Said("有効期間", "Term"),
        Said(
            "本契約の開始の日は、{starts_on}とする。本契約は、本取引市場の運営者が承認した時に効力を生じる。",
            "The first day of this Agreement is {starts_on}. It takes effect when the operator of the exchange "
            "approves it.",
        ),
        Said("{term}", "{term}"),
    )


def force_majeure() -> Clause:
    """Article 13."""
    return clause(
        13,
        Said("不可抗力免責", "Force majeure"),
        Said(
            "天災地変、感染症、戦争、法令の制定改廃、通信回線またはクラウドサービスの障害その他当事者の責めに帰することができない"
            "事由による不履行について、当事者は責任を負わない。",
            "Neither Party is liable for failures caused by natural disaster, epidemic, war, change of law, failure of "
            "networks or cloud services, or anything else beyond its control.",
        ),
    )


def termination(*more: Said) -> Clause:
    """Article 14: after a demand, at once, and for the future."""
    return clause(
        14,
        Said("解除", "Termination"),
        Said(
            "甲および乙は、相手方が本契約に違反し、書面または本取引市場を通じた催告の後{cure_days}日以内に是正しないときは、"
            "本契約を解除することができる。",
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
        *more,
    )


def after_the_end(*paragraphs: Said) -> Clause:
    """Article 15."""
    return clause(15, Said("契約終了後の措置", "After the end"), *paragraphs)


DELETION = (
    Said(
        "本契約が終了したときは、乙は直ちに提供データの利用をやめ、{delete_days}日以内に複製物を含めてこれを消去し、"
        "{deletion_certificate}",
        "When the Agreement ends the Buyer stops using the Data at once, deletes them with all copies within "
        "{delete_days} days, {deletion_certificate}",
    ),
    Said(
        "派生データおよび第3条に従って学習させたモデルは、第11条の定めに従い、本契約の終了後も利用することができる。",
        "Derived Data, and models trained as Article 3 permits, may be used after the end as Article 11 says.",
    ),
)


def no_anti_social_forces() -> Clause:
    """Article 16."""
    return clause(
        16,
        Said("反社会的勢力の排除", "Exclusion of anti-social forces"),
        Said(
            "甲および乙は、自己およびその役員が暴力団その他の反社会的勢力に該当せず、これと関係を有しないことを表明し、将来に"
            "わたって確約する。",
            "Each Party represents, now and for the future, that neither it nor its officers are or deal with "
            "organized crime groups or other anti-social forces.",
        ),
    )


def survival(articles: Said) -> Clause:
    """Article 17."""
    return clause(
        17,
        Said("残存条項", "Survival"),
        Said(
            f"{articles.ja}は、本契約の終了後も効力を有する。",
            f"Articles {articles.en} survive the end of this Agreement.",
        ),
    )


SURVIVING = Said(
    "第4条、第6条、第7条、第9条から第11条まで、第15条、第18条、第20条および第21条",
    "4, 6, 7, 9 to 11, 15, 18, 20 and 21",
)


def no_assignment(*more: Said) -> Clause:
    """Article 18."""
    return clause(
        18,
        Said("権利義務の譲渡禁止", "No assignment"),
        Said(
            "甲および乙は、相手方の書面による事前の承諾なく、本契約上の地位または権利義務を第三者に譲渡しない。"
            "{assignment_on_merger}",
            "Neither Party assigns its position, rights or duties under this Agreement without the other's prior "
            "written consent. {assignment_on_merger}",
        ),
        *more,
    )


def entire_agreement() -> Clause:
    """Article 19."""
    return clause(
        19,
        Said("完全合意", "Entire agreement"),
        Said(
            "本契約は、提供データに関する当事者間の合意のすべてであり、これに先立つ合意に優先する。変更は、本取引市場における"
            "双方の承諾による。",
            "This Agreement is the whole agreement of the Parties on the Data and prevails over earlier ones. Changes "
            "are made by assent of both through the exchange.",
        ),
    )


def governing_law() -> Clause:
    """Article 20."""
    return clause(
        20,
        Said("準拠法", "Governing law"),
        Said(
            "本契約は、日本法に準拠する。日本語の本文を正文とし、英語訳は参考とする。",
            "This Agreement is governed by the law of Japan. The Japanese text binds; the English is a courtesy "
            "translation.",
        ),
    )


def disputes() -> Clause:
    """Article 21."""
    return clause(
        21,
        Said("紛争解決", "Disputes"),
        Said(
            "本契約に関する紛争は、まず誠実に協議し、解決しないときは{court}を第一審の専属的合意管轄裁判所とする。",
            "Disputes are first discussed in good faith; failing that, {court} has exclusive jurisdiction in the first "
            "instance.",
        ),
    )


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────

RULEBOOK = Said(
    "本取引市場のひな型規則（ガイドラインの解説による）",
    "Template rules of this exchange, after the guideline's comments",
)
FROM_THE_ARTICLES = Said(
    "本取引市場のひな型規則（条文どうしが食い違わないため）",
    "Template rules of this exchange, so that no article contradicts another",
)
PUBLIC_ASSET = Said(
    "本取引市場のひな型規則（自治体のデータは公共の資産であり、利用者を平等に扱うため）",
    "Template rules of this exchange: a municipality's data are a public asset, and users are treated equally",
)

STRICT_SECURITY_STAYS_IN_JAPAN = Rule(
    key="strict_security_stays_in_japan",
    fields=("storage_country", "security_level"),
    broken=lambda v, deal: v["security_level"] == "L3" and v["storage_country"] != "japan",
    message=Said(
        "管理の水準がL3のデータは、日本国内で保存してください。", "Data at security level L3 are kept in Japan."
    ),
    source=RULEBOOK,
)
PROFIT_SHARE_HAS_A_PERCENTAGE = Rule(
    key="profit_share_has_a_percentage",
    fields=("derived_profit_percent", "derived_profit"),
    broken=lambda v, deal: (v["derived_profit"] == "percent") != (int(v["derived_profit_percent"]) > 0),
    message=Said(
        "分配の割合は、「割合で分配する」を選んだときだけ 1 以上にしてください。",
        "The share of profit is above 0 exactly where profit is shared.",
    ),
    source=RULEBOOK,
)
PROFIT_SHARE_NEEDS_SUPPLY = Rule(
    key="profit_share_needs_supply",
    fields=("derived_profit", "derived_supply"),
    broken=lambda v, deal: v["derived_profit"] == "percent" and v["derived_supply"] == "prohibited",
    message=Said(
        "派生データの第三者提供を「不可」にすると、分配する対価が生じません。どちらかを変えてください。",
        "Where derived data may not go to others, nothing is paid for them that could be shared.",
    ),
    source=FROM_THE_ARTICLES,
)
LEAK_REPORT_FOLLOWS_THE_NOTICE = Rule(
    key="leak_report_follows_the_notice",
    fields=("leak_report_days", "leak_notice_hours"),
    broken=lambda v, deal: int(v["leak_report_days"]) * 24 < int(v["leak_notice_hours"]),
    message=Said(
        "漏えい等の調査報告の期限は、第一報の期限より後にしてください。",
        "The report on a leak is due no sooner than the first notice of it.",
    ),
    source=FROM_THE_ARTICLES,
)
RENEWAL_NOTICE_FITS_THE_TERM = Rule(
    key="renewal_notice_fits_the_term",
    fields=("renewal_notice_days", "term", "term_months"),
    broken=lambda v, deal: (
        v["term"] == "renewing" and int(v["renewal_notice_days"]) >= int(v["term_months"]) * SHORTEST_MONTH
    ),
    message=Said(
        "更新を断る期限は、契約期間より短くしてください（1か月を28日として数えます）。",
        "The notice against renewal is shorter than the term (a month counting 28 days).",
    ),
    source=FROM_THE_ARTICLES,
)
COMMISSION_IS_PAID_IN_FULL = Rule(
    key="commission_is_paid_in_full",
    fields=("transfer_fee_bearer", "commissioned"),
    broken=lambda v, deal: v["commissioned"] == "yes" and v["transfer_fee_bearer"] != "buyer",
    message=Said(
        "委託を受けて作るデータでは、振込手数料を提供者の負担にできません（代金の減額に当たるため）。",
        "For data made on commission the provider cannot bear the transfer fee: that would cut its pay.",
    ),
    source=Said(
        "取適法（2026年1月1日施行）の減額の禁止による。本取引市場では、委託の規模を問わず適用する",
        "The ban on cutting pay in the act on subcontracted work (in force since 1 January 2026), here for any size",
    ),
)

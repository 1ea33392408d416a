"""データ提供型・共同利用: both parties provide data and let each other use them, in 21 articles in the guideline's order.

What the form shares with the other two is in `provision_articles`, with sources. That 共同利用（相互利用許諾）is one of the
three forms is known; what changes against the licence form (articles 1, 3, 4, 7, 8, 11, 12, 15 and the annexes A and B)
is our reading of it (medium confidence), and no place is confirmed.

Articles of the licence form are taken over by renaming: who provides a set of data is its 提供当事者 (Providing Party),
who receives it the 受領当事者 (Receiving Party), and each party is both. The exchange delivers the provider's data alone;
those of the buyer go the way that the parties state. Neither licence is exclusive: data that the provider gives up or
may show to nobody else are not used jointly.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from contracts.guideline import provision_articles as shared
from contracts.guideline.parts import Annex, Choice, Clause, Rule, Said, Template, Variable

ROLES = shared.Renaming(
    {"甲": "提供当事者", "乙": "受領当事者", "別紙1": "別紙Aまたは別紙B"},
    {"Provider": "Providing Party", "Buyer": "Receiving Party", "Annex 1": "Annex A or B"},
)
SIDES = shared.Renaming(
    {"提供者": "渡す側", "利用者": "受け取る側"},
    {"The provider": "The providing side", "The buyer": "The receiving side"}
    | {"provider": "providing side", "buyer": "receiving side"},
)
PROVIDERS_DATA = shared.Renaming({"提供データ": "甲データ"}, {"The Data are": "Data A is", "the Data": "Data A"})


def mutual(v: Variable) -> Variable:
    """A variable of the licence form, said of whichever party provides and whichever receives."""
    return ROLES.choices(v, SIDES)


def _said(v: Variable) -> Said:
    return Said(f"{{{v.key}}}", f"{{{v.key}}}")


BUYER_DATA_NAME = Variable(
    key="buyer_data_name",
    article=1,
    type="text",
    chooser="buyer",
    label=Said("利用者のデータの名称", "The buyer's data"),
    help=Said(
        "引き換えに利用者が提供するデータの名称です。申込みのときに利用者が入力します。",
        "What the data that the buyer provides in return are called. The buyer says so when it applies.",
    ),
    empty=Said("（申込みのときに乙が定める）", "(which the Buyer names when it applies)"),
    weighty=False,
)
BUYER_DATA_DESCRIPTION = Variable(
    key="buyer_data_description",
    article=1,
    type="text",
    chooser="buyer",
    label=Said("利用者のデータの内容", "What the buyer's data are"),
    help=Said(
        "項目、対象期間、件数、形式、出所など、どのようなデータかが分かるように書きます。契約書の別紙Bに入ります。",
        "Columns, period, quantity, format, source: enough to tell what the data are. It goes into Annex B.",
    ),
    empty=Said("（申込みのときに乙が示す）", "(as the Buyer describes when it applies)"),
    weighty=False,
)
BUYER_DATA_PURPOSE = Variable(
    key="buyer_data_purpose",
    article=1,
    type="text",
    label=Said("提供者の利用目的", "The provider's purpose"),
    help=Said(
        "提供者が利用者のデータを何のために使うかです。空欄にすると、利用者の利用目的と同じになります。",
        "What the provider uses the buyer's data for. Left empty, it is the same as the buyer's purpose.",
    ),
    empty=Said("乙による利用と同じ目的", "the same purpose as the Buyer's"),
    weighty=False,
)
BUYER_DATA_METHOD = Variable(
    key="buyer_data_method",
    article=2,
    type="text",
    chooser="buyer",
    label=Said("利用者のデータの提供方法", "How the buyer's data are provided"),
    help=Said(
        "利用者のデータを提供者にどう渡すかです。取引市場が引き渡すのは提供者のデータだけです。",
        "How the buyer's data get to the provider. The exchange delivers the provider's data alone.",
    ),
    empty=Said("甲および乙が協議して定める安全な方法", "safe means on which the Parties agree"),
    weighty=False,
)
UPDATES = PROVIDERS_DATA.choices(shared.UPDATES, shared.SAME)
NO_COMPETING_USE = Variable(
    key="no_competing_use",
    article=3,
    type="choice",
    label=Said("競合する利用の制限", "Competing use"),
    help=Said(
        "受け取ったデータを、渡した側の事業と競合するために使ってよいかどうかです。",
        "Whether data may be used to compete with the side that provided them.",
    ),
    default="no",
    choices=(
        Choice(
            "no",
            Said("制限しない", "Not restricted"),
            Said(
                "本目的の範囲内である限り、受領当事者が提供当事者の事業と競合する事業のために提供データを利用することを妨げない。",
                "Within the Purpose, the Receiving Party may use the Data for business that competes with that of the "
                "Providing Party.",
            ),
        ),
        Choice(
            "yes",
            Said("認めない", "Not permitted"),
            Said(
                "受領当事者は、提供当事者の事業と競合する商品またはサービスの開発または提供のために提供データを利用してはならない。",
                "The Receiving Party shall not use the Data to develop or offer goods or services that compete with "
                "the business of the Providing Party.",
            ),
        ),
    ),
)
NETTING = Variable(
    key="netting",
    article=4,
    type="choice",
    label=Said("差額精算", "Netting"),
    help=Said(
        "対価が、双方のデータの価値の差額かどうかです。差額でも、消費税はそれぞれの対価について計算します。",
        "Whether the price is the difference in value of the two sets of data. Consumption tax is due on each in full.",
    ),
    default="none",
    choices=(
        Choice(
            "none",
            Said("しない", "None"),
            Said(
                "乙データの利用の対価は、無償とする。",
                "Data B is used free of charge.",
            ),
        ),
        Choice(
            "difference",
            Said("差額を精算する", "The difference is paid"),
            Said(
                "前項の対価は、甲データの利用の対価から乙データの利用の対価を差し引いた額であり、甲は、乙データの利用について別に対価を"
                "支払わない。消費税および適格請求書については、差し引く前のそれぞれの対価に基づき、各当事者が法令に従って取り扱う。",
                "The price of the preceding paragraph is what remains of the price for the use of Data A after that "
                "for Data B is taken off; the Provider pays nothing besides for Data B. As to consumption tax and "
                "qualified invoices, each Party follows the law on the basis of either price before the difference.",
            ),
        ),
    ),
)
LIABILITY_CAP = replace(
    shared.LIABILITY_CAP,
    help=Said(
        "一方が相手に払う損害賠償の上限です。対価のない契約では、対価を上限にできません。故意または重大な過失がある場合には上限は"
        "ありません。",
        "The most that one party pays the other in damages; fees are no cap where there are none. No cap holds for "
        "intent or gross negligence.",
    ),
    default="none",
)
REPORT_CYCLE = replace(
    mutual(shared.REPORT_CYCLE),
    help=Said("受け取る側が使い方を報告する頻度です。", "How often the receiving side reports its use."),
    default_for={},
)
AUDIT = replace(mutual(shared.AUDIT), default_for={})
DERIVED_DATA = replace(
    mutual(shared.DERIVED_DATA),
    label=Said("派生データの利用権限", "Rights in derived data"),
    help=Said(
        "受け取ったデータを加工・分析して得たものを誰が使えるかです。双方のデータを組み合わせたものは、次の「統合データ」で決めます。",
        "Who may use what is made from received data. What is made from both sets is settled under combined data.",
    ),
)
COMBINED_DATA = Variable(
    key="combined_data",
    article=11,
    type="choice",
    label=Said("統合データの利用権限", "Rights in combined data"),
    help=Said(
        "双方のデータを組み合わせて得たものを誰が使えるかです。",
        "Who may use what is made from the data of both.",
    ),
    default="joint",
    choices=(
        Choice(
            "joint",
            Said("双方が使える", "Both"),
            Said(
                "前各項にかかわらず、統合データの利用権限は甲および乙の双方に帰属し、各当事者は、相手方の承諾なく、かつ、対価の支払を"
                "要することなくこれを利用することができる。統合データを第三者に提供するには、相手方の書面による事前の承諾を要する。",
                "Whatever the preceding paragraphs say, rights in Combined Data belong to both Parties, and each may "
                "use them without the other's consent and without payment. Giving them to third parties requires the "
                "other's prior written consent.",
            ),
        ),
        Choice(
            "maker",
            Said("作った側だけが使える", "Whoever made them"),
            Said(
                "第1項にかかわらず、統合データの利用権限は、これを生じさせた当事者に帰属する。第三者への提供および利益の分配については、"
                "前2項を適用する。",
                "Whatever the first paragraph says, rights in Combined Data belong to the Party that made them; the "
                "two preceding paragraphs hold for giving them to third parties and for sharing profit.",
            ),
        ),
    ),
)
COMBINED_AFTER_THE_END = Variable(
    key="combined_after_end",
    article=15,
    type="choice",
    label=Said("終了後の統合データ", "Combined data after the end"),
    help=Said(
        "契約が終わった後、双方のデータを組み合わせて得たものをどうするかです。",
        "What becomes of combined data when the contract ends.",
    ),
    default="not_restorable",
    choices=(
        Choice(
            "not_restorable",
            Said("元のデータに戻せないものは使い続ける", "Kept if the data cannot be restored from them"),
            Said(
                "前項にかかわらず、統合データは、相手方の提供データを復元できないものに限り、第11条の定めに従って利用することができ、"
                "それ以外のものは、提供データとともに消去する。",
                "Whatever the preceding paragraph says, Combined Data may be used as Article 11 says if the other "
                "Party's Data cannot be restored from them; the rest are deleted together with the Data.",
            ),
        ),
        Choice(
            "keep",
            Said("使い続ける", "Kept"),
            Said(
                "統合データについても、前項と同様とする。",
                "The same holds for Combined Data.",
            ),
        ),
        Choice(
            "delete",
            Said("消去する", "Deleted"),
            Said(
                "前項にかかわらず、統合データは、提供データとともに消去する。",
                "Whatever the preceding paragraph says, Combined Data are deleted together with the Data.",
            ),
        ),
    ),
)

VARIABLES = (
    BUYER_DATA_NAME,
    BUYER_DATA_DESCRIPTION,
    BUYER_DATA_PURPOSE,
    UPDATES,
    BUYER_DATA_METHOD,
    shared.SPEC_CHANGE_NOTICE_DAYS,
    mutual(shared.TERRITORY),
    NO_COMPETING_USE,
    mutual(shared.AI_TRAINING),
    mutual(shared.SUBLICENSE),
    mutual(shared.PUBLICATION),
    NETTING,
    shared.TRANSFER_FEE_BEARER,
    shared.LATE_RATE_PERCENT,
    mutual(shared.WARRANTY_LAWFUL),
    mutual(shared.WARRANTY_ACCURACY),
    mutual(shared.WARRANTY_NON_INFRINGEMENT),
    shared.DEFECT_NOTICE_DAYS,
    mutual(shared.REMEDY),
    LIABILITY_CAP,
    mutual(shared.THIRD_PARTY_CLAIMS),
    REPORT_CYCLE,
    AUDIT,
    shared.AUDIT_NOTICE_DAYS,
    mutual(shared.SECURITY_LEVEL),
    mutual(shared.STORAGE_COUNTRY),
    shared.LEAK_NOTICE_HOURS,
    shared.LEAK_REPORT_DAYS,
    shared.NDA_YEARS,
    DERIVED_DATA,
    mutual(shared.DERIVED_SUPPLY),
    mutual(shared.DERIVED_PROFIT),
    shared.DERIVED_PROFIT_PERCENT,
    COMBINED_DATA,
    shared.STARTS_ON,
    shared.TERM,
    shared.TERM_MONTHS,
    shared.RENEWAL_NOTICE_DAYS,
    shared.CURE_DAYS,
    shared.DELETE_DAYS,
    mutual(shared.DELETION_CERTIFICATE),
    COMBINED_AFTER_THE_END,
    shared.ASSIGNMENT_ON_MERGER,
    shared.COURT,
)


def _mutual(clause: Clause, *more: Said) -> Clause:
    found = ROLES.clause(clause)
    return replace(found, paragraphs=(*found.paragraphs, *more))


CLAUSES = (
    shared.clause(
        1,
        Said("定義", "Definitions"),
        shared.parties(Said("データの共同利用に関する契約", "on the joint use of data")),
        Said(
            "「甲データ」とは、別紙Aに定める「{listing_title}」のデータをいい、「乙データ」とは、別紙Bに定める「{buyer_data_name}」のデータ"
            "をいう。「提供データ」とは、これらのそれぞれをいう。",
            '"Data A" means the Provider\'s data "{listing_title}" described in Annex A, "Data B" the Buyer\'s data '
            '"{buyer_data_name}" described in Annex B, and the "Data" either of them.',
        ),
        Said(
            "「提供当事者」とは、甲データについては甲を、乙データについては乙をいい、「受領当事者」とは、その相手方をいう。",
            'The "Providing Party" is the Provider for Data A and the Buyer for Data B; the "Receiving Party" is the '
            "other.",
        ),
        Said(
            "「本目的」とは、乙による甲データの利用については「{purpose}」、甲による乙データの利用については「{buyer_data_purpose}」をいう。",
            '"Purpose" means, for the Buyer\'s use of Data A, "{purpose}", and for the Provider\'s use of Data B, '
            '"{buyer_data_purpose}".',
        ),
        ROLES.said(shared.DERIVED),
        Said(
            "「統合データ」とは、派生データのうち、甲データと乙データとを組み合わせて生じたものをいう。",
            '"Combined Data" means Derived Data that arise from Data A and Data B together.',
        ),
    ),
    shared.clause(
        2,
        Said("提供データの提供方法", "How the Data are provided"),
        Said(
            "甲は、本契約の有効期間中、本取引市場が発行する署名付きURLその他の別紙1に定める方法により、甲データを乙に提供する。",
            "During the term the Provider makes Data A available to the Buyer by signed URLs issued by the exchange "
            "and by the other means named in Annex 1.",
        ),
        Said("{updates}", "{updates}"),
        Said(
            "乙は、本契約の有効期間中、次の方法により、乙データを甲に提供する。「{buyer_data_method}」",
            'During the term the Buyer makes Data B available to the Provider in this way: "{buyer_data_method}"',
        ),
        ROLES.said(shared.ANNOUNCED_CHANGES),
    ),
    shared.clause(
        3,
        Said("相互の利用許諾", "Mutual licence"),
        Said(
            "甲は甲データについて、乙は乙データについて、それぞれ本条に従い相手方に利用を許諾する。この許諾は非独占的である。",
            "Under this Article the Provider licenses Data A and the Buyer licenses Data B to the other. The licences "
            "are non-exclusive.",
        ),
        ROLES.said(shared.GRANT),
        _said(NO_COMPETING_USE),
        *(ROLES.said(bound) for bound in shared.BOUNDS),
    ),
    shared.payment(
        Said(
            "甲データの利用の対価は、{price}とする。{price_details}",
            "The price for the use of Data A: {price}. {price_details}",
        ),
        _said(NETTING),
    ),
    _mutual(shared.warranty()),
    _mutual(shared.liability(shared.MISUSE)),
    _mutual(shared.reporting(*shared.REPORTS)),
    _mutual(shared.keeping()),
    _mutual(shared.mitigation()),
    shared.secrecy(),
    _mutual(shared.derived(*shared.DERIVED_RIGHTS), _said(COMBINED_DATA)),
    shared.duration(),
    shared.force_majeure(),
    shared.termination(),
    _mutual(shared.after_the_end(*shared.DELETION), _said(COMBINED_AFTER_THE_END)),
    shared.no_anti_social_forces(),
    shared.survival(shared.SURVIVING),
    shared.no_assignment(),
    shared.entire_agreement(),
    shared.governing_law(),
    shared.disputes(),
)

ANNEX_SOURCE = Said(
    "データ編 提供型の共同利用の形にならう（公表資料で未確認）",
    "Follows the joint form of the data provision model (not confirmed)",
)
ANNEXES = (
    Annex(
        key="joint-a",
        title=Said("別紙A　甲データ", "Annex A: Data A"),
        paragraphs=(
            Said(
                "甲データは、甲が本取引市場に掲載する「{listing_title}」のデータとする。概要、出所、対象期間、申込み時の版および提供方法は、"
                "別紙1に定める。",
                'Data A is the data "{listing_title}" that the Provider lists on the exchange. Annex 1 says what '
                "they are, their source, period and release, and how they are provided.",
            ),
            Said("乙が甲データを利用する目的は、「{purpose}」とする。", 'The Buyer uses Data A for: "{purpose}"'),
        ),
        source=ANNEX_SOURCE,
        confirmed=False,
    ),
    Annex(
        key="joint-b",
        title=Said("別紙B　乙データ", "Annex B: Data B"),
        paragraphs=(
            Said(
                "乙データは、乙が提供する「{buyer_data_name}」のデータとする。",
                'Data B is the data "{buyer_data_name}" that the Buyer provides.',
            ),
            Said(
                "乙データの内容は、次のとおりとする。「{buyer_data_description}」",
                'What they are: "{buyer_data_description}"',
            ),
            Said(
                "乙データの提供方法は、次のとおりとする。「{buyer_data_method}」",
                'How they are provided: "{buyer_data_method}"',
            ),
            Said(
                "甲が乙データを利用する目的は、「{buyer_data_purpose}」とする。",
                'The Provider uses Data B for: "{buyer_data_purpose}"',
            ),
        ),
        source=ANNEX_SOURCE,
        confirmed=False,
    ),
)

RULES = (
    Rule(
        key="buyers_data_are_described",
        fields=("buyer_data_name", "buyer_data_description"),
        broken=lambda v, deal: (
            bool(deal.buyer_kind)
            and not (str(v["buyer_data_name"]).strip() and str(v["buyer_data_description"]).strip())
        ),
        message=Said(
            "共同利用では、利用者が提供するデータの名称と内容を入力してください。",
            "Joint use needs the name and a description of the data that the buyer provides.",
        ),
        source=shared.RULEBOOK,
    ),
    Rule(
        key="joint_use_has_a_settled_price",
        fields=("netting",),
        broken=lambda v, deal: deal.pricing_model not in ("free", "one_off", "subscription"),
        message=Said(
            "共同利用の対価は、無料、一括、定額のいずれかです。利用量や売上に応じた対価には、利用許諾のひな型を使ってください。",
            "Joint use is free of charge or has one price or a subscription. For fees by use or sales, take the "
            "licence template.",
        ),
        source=shared.RULEBOOK,
    ),
    Rule(
        key="netting_needs_a_price",
        fields=("netting",),
        broken=lambda v, deal: v["netting"] == "difference" and deal.pricing_model == "free",
        message=Said(
            "対価が無料のときは、精算する差額がありません。差額精算を「しない」にしてください。",
            "Where nothing is paid there is no difference to pay.",
        ),
        source=shared.FROM_THE_ARTICLES,
    ),
    Rule(
        key="cap_needs_a_price",
        fields=("liability_cap",),
        broken=lambda v, deal: v["liability_cap"] != "none" and deal.pricing_model == "free",
        message=Said(
            "対価が無料のときに対価を損害賠償の上限にすると、双方とも賠償の責任を負わなくなります。「上限なし」にしてください。",
            "Where nothing is paid, a cap by fees would leave neither party liable. Choose no cap.",
        ),
        source=shared.FROM_THE_ARTICLES,
    ),
    shared.STRICT_SECURITY_STAYS_IN_JAPAN,
    shared.PROFIT_SHARE_HAS_A_PERCENTAGE,
    shared.PROFIT_SHARE_NEEDS_SUPPLY,
    shared.LEAK_REPORT_FOLLOWS_THE_NOTICE,
    shared.RENEWAL_NOTICE_FITS_THE_TERM,
)

TEMPLATE = Template(
    key="provision-joint",
    version="1.0",
    dated=date(2026, 11, 1),
    kind="contract",
    name=Said("データ提供型・共同利用", "Data provision, joint use"),
    about=Said(
        "提供者と利用者が互いにデータを出し合い、互いに決めた目的で使うときの標準契約です。",
        "The standard contract where provider and buyer both bring data and use each other's for stated purposes.",
    ),
    source=shared.guideline(
        Said("データ提供型の構成を共同利用の形に組み替え", "the data provision contract, recast for joint use,")
    ),
    clauses=CLAUSES,
    variables=VARIABLES,
    rules=RULES,
    annexes=ANNEXES,
)

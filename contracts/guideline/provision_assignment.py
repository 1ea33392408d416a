"""データ提供型・譲渡: the provider hands over its data with all rights to use them, in 21 articles in the guideline's order.

What the form shares with the other two is in `provision_articles`, with sources. That 譲渡 is one of the three forms is
known; what changes against the licence form (articles 3, 4, 7, 8, 11, 12, 15) is our reading of it (medium confidence),
and no place is confirmed. Data are no thing that anyone owns (民法 85条), so what passes is the standing to use them
(利用権限) and such copyright as there is; 著作権法 61条2項 presumes the rights of its articles 27 and 28 kept back unless a
contract names them, and its article 59 lets moral rights pass to nobody (all high confidence).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from contracts.guideline import provision_articles as shared
from contracts.guideline.parts import Choice, Rule, Said, Template, Variable

UPDATES = replace(
    shared.UPDATES,
    help=Said(
        "契約期間中に公開した更新版も譲渡するかどうかです。",
        "Whether releases published during the term pass to the buyer as well.",
    ),
    default="release_only",
    default_for={},
    choices=(
        Choice(
            "included",
            Said("含む", "Included"),
            Said(
                "契約期間中に甲が公開する提供データの更新版は、本契約の提供データに含まれ、同じ条件で譲渡される。",
                "Releases of the Data that the Provider publishes during the term are part of the Data and pass on "
                "the same terms.",
            ),
        ),
        shared.UPDATES.option("release_only"),
    ),
)
COLLECT_DAYS = Variable(
    key="collect_days",
    article=2,
    type="number",
    label=Said("受取りの期限", "Time to collect"),
    help=Said(
        "取得できるようになってから、引渡しが済んだとみなすまでの日数です。",
        "Days from when the data can be obtained until they count as handed over.",
    ),
    default=14,
    least=1,
    most=90,
    unit=shared.DAYS,
    weighty=False,
)
TRANSFER_TIME = Variable(
    key="transfer_time",
    article=3,
    type="choice",
    label=Said("移転の時期", "When the rights pass"),
    help=Said(
        "データの利用権限が利用者に移る時です。", "The moment at which the rights in the data pass to the buyer."
    ),
    default="paid",
    choices=(
        Choice(
            "paid",
            Said("引渡しと支払が済んだとき", "On handover and payment"),
            Said(
                "引渡しおよび対価の全額の支払がいずれも完了した時（対価が無償であるときは、引渡しが完了した時）",
                "when both the handover and the payment of the whole price are complete (where they are free of "
                "charge, when the handover is)",
            ),
        ),
        Choice(
            "handed_over",
            Said("引渡しが済んだとき", "On handover"),
            Said("引渡しが完了した時", "when the handover is complete"),
        ),
    ),
)
COPYRIGHT_27_28 = Variable(
    key="copyright_27_28",
    article=3,
    type="choice",
    label=Said("翻案権などの移転", "Rights of adaptation"),
    help=Said(
        "著作権法第27条（翻訳、翻案など）と第28条（二次的著作物の利用）の権利は、契約に書かなければ提供者に残ったものと推定されます。",
        "The rights of articles 27 (translation, adaptation) and 28 (use of derivative works) of the Copyright Act are "
        "presumed to stay with the provider unless the contract names them.",
    ),
    default="included",
    choices=(
        Choice(
            "included",
            Said("移転する", "They pass"),
            Said(
                "前項の著作権には、著作権法第27条および第28条に定める権利が含まれる。",
                "The copyrights of the preceding paragraph include the rights of Articles 27 and 28 of the Copyright "
                "Act.",
            ),
        ),
        Choice(
            "reserved",
            Said("提供者に残す", "The provider keeps them"),
            Said(
                "前項の著作権には、著作権法第27条および第28条に定める権利は含まれず、これらは甲に留保される。甲は、乙による提供"
                "データの利用について、これらの権利を行使しない。",
                "The copyrights of the preceding paragraph do not include the rights of Articles 27 and 28 of the "
                "Copyright Act, which the Provider keeps without exercising them against the Buyer's use of the Data.",
            ),
        ),
    ),
)
PROVIDER_DELETION = Variable(
    key="provider_deletion",
    article=3,
    type="choice",
    label=Said("提供者の手元のデータ", "What the provider keeps"),
    help=Said(
        "譲渡した後、提供者が手元のデータを消すか、範囲を決めて残すかです。",
        "Whether the provider deletes its data after the transfer or keeps them within limits.",
    ),
    default="deletes",
    choices=(
        Choice(
            "deletes",
            Said("消去する", "Deleted"),
            Said(
                "甲は、移転の後は提供データを利用せず、移転の時から{provider_deletion_days}日以内に、複製物を含めてこれを消去する。"
                "ただし、乙に引き渡すために本取引市場で保管するものは、乙が取得を終えるまで残すことができる。",
                "After the transfer the Provider does not use the Data, and within {provider_deletion_days} days it "
                "deletes them with all copies. What is kept for the handover through the exchange may stay until the "
                "Buyer has it.",
            ),
        ),
        Choice(
            "required_by_law",
            Said("法令で必要な分だけ残す", "Kept where the law requires"),
            Said(
                "甲は、移転の後は提供データを利用せず、法令により保存する義務があるものを除き、移転の時から"
                "{provider_deletion_days}日以内に、複製物を含めてこれを消去する。保存するものは、その義務のため以外に利用しない。",
                "After the transfer the Provider does not use the Data, and within {provider_deletion_days} days it "
                "deletes them with all copies except what the law obliges it to keep, which it uses for that duty "
                "alone.",
            ),
        ),
        Choice(
            "residual_use",
            Said("決めた範囲で使い続ける", "Used on within limits"),
            Said(
                "甲は、移転の後も、次項に定める範囲に限り、提供データの複製物を保有し、利用することができる。",
                "After the transfer the Provider may keep and use copies of the Data as the next paragraph says, and "
                "not otherwise.",
            ),
        ),
    ),
)
PROVIDER_DELETION_DAYS = Variable(
    key="provider_deletion_days",
    article=3,
    type="number",
    label=Said("提供者が消去する期限", "Deletion by the provider"),
    help=Said(
        "移転してから何日以内に、提供者が手元のデータを消すかです。",
        "Days from the transfer within which the provider deletes its data.",
    ),
    default=30,
    least=1,
    most=365,
    unit=shared.DAYS,
    weighty=False,
)
RESIDUAL_USE = Variable(
    key="residual_use",
    article=3,
    type="text",
    label=Said("提供者に残る利用", "What the provider may still do"),
    help=Said(
        "「決めた範囲で使い続ける」を選んだときに、提供者が何のために使い続けるかを書きます。そうでなければ空欄にします。",
        "With limited use by the provider: what for. Empty otherwise.",
    ),
    empty=Said("なし", "none"),
)
EARLIER_LICENCES = Variable(
    key="earlier_licences",
    article=3,
    type="choice",
    label=Said("前に結んだ利用許諾", "Earlier licences"),
    help=Said(
        "譲渡の前に、ほかの人に利用を許諾しているかどうかです。",
        "Whether others were licensed to use the data before the transfer.",
    ),
    default="none",
    choices=(
        Choice(
            "none",
            Said("ない", "None"),
            Said(
                "甲は、本契約の成立の時に、提供データの利用を第三者に許諾していないことを保証する。",
                "The Provider warrants that at the conclusion of this Agreement no third party is licensed to use the "
                "Data.",
            ),
        ),
        Choice(
            "remain",
            Said("あり、期間の終わりまで残る", "They run until their end"),
            Said(
                "本契約の成立より前に甲が第三者にした提供データの利用許諾は、その期間の満了まで効力を有する。甲は、その相手方、範囲"
                "および期間を、引渡しまでに乙に知らせる。",
                "Licences that the Provider gave before the conclusion of this Agreement run until their end. By the "
                "handover it tells the Buyer whom they were given to, for what and how long.",
            ),
        ),
    ),
)
LIABILITY_CAP = replace(
    shared.LIABILITY_CAP,
    default="fees_total",
    choices=tuple(c for c in shared.LIABILITY_CAP.choices if c.key != "fees_12_months"),
)
TERM = replace(
    shared.TERM,
    help=Said(
        "データを取得できる期間です。期間が終わっても、移転した利用権限は利用者に残ります。",
        "How long the data can be obtained. Rights that have passed stay with the buyer after the end.",
    ),
    default="indefinite",
    default_for={},
    choices=(
        Choice(
            "indefinite",
            Said("期間を決めない", "Indefinite"),
            Said(
                "本契約は、開始の日から、第14条により終了するまで有効とし、乙は、その間、提供データを取得することができる。",
                "This Agreement lasts from its first day until it ends under Article 14; meanwhile the Buyer can "
                "obtain the Data.",
            ),
        ),
        Choice(
            "fixed",
            Said("期間を決める", "Fixed"),
            Said(
                "本契約の有効期間は、開始の日から{term_months}か月とし、乙は、その間、提供データを取得することができる。期間の満了は、"
                "移転した利用権限に影響しない。",
                "This Agreement lasts {term_months} months from its first day; meanwhile the Buyer can obtain the "
                "Data. Its end does not touch the rights that have passed.",
            ),
        ),
    ),
)
TERM_MONTHS = replace(
    shared.TERM_MONTHS,
    help=Said("「期間を決める」を選んだときの長さです。", "The length of a fixed term."),
)
LEAK_NOTICE_HOURS = replace(
    shared.LEAK_NOTICE_HOURS,
    help=Said(
        "提供者の手元にある間の漏えいなどを知ってから、何時間以内に知らせるかです。",
        "Hours to tell the buyer of a leak while the provider still holds the data.",
    ),
)

VARIABLES = (
    shared.COMMISSIONED,
    UPDATES,
    COLLECT_DAYS,
    TRANSFER_TIME,
    COPYRIGHT_27_28,
    PROVIDER_DELETION,
    PROVIDER_DELETION_DAYS,
    RESIDUAL_USE,
    EARLIER_LICENCES,
    shared.TRANSFER_FEE_BEARER,
    shared.LATE_RATE_PERCENT,
    shared.WARRANTY_LAWFUL,
    shared.WARRANTY_ACCURACY,
    shared.WARRANTY_NON_INFRINGEMENT,
    shared.DEFECT_NOTICE_DAYS,
    shared.REMEDY,
    LIABILITY_CAP,
    shared.THIRD_PARTY_CLAIMS,
    LEAK_NOTICE_HOURS,
    shared.LEAK_REPORT_DAYS,
    shared.NDA_YEARS,
    shared.STARTS_ON,
    TERM,
    TERM_MONTHS,
    shared.CURE_DAYS,
    shared.ASSIGNMENT_ON_MERGER,
    shared.COURT,
)

# The article on leaks binds who holds the data: here that is the provider, until they pass.
HELD_BY_PROVIDER = shared.Renaming({"甲": "乙", "乙": "甲"}, {"Provider": "Buyer", "Buyer": "Provider"})

CLAUSES = (
    shared.clause(
        1,
        Said("定義", "Definitions"),
        shared.parties(Said("データの譲渡に関する契約", "on the transfer of data")),
        shared.THE_DATA,
        Said("{commissioned}", "{commissioned}"),
        Said(
            "「利用権限」とは、提供データを利用し、加工し、第三者に利用させ、または処分することができる地位をいう。",
            '"Rights of Use" means the standing to use the Data, to process them, to let others use them and to '
            "dispose of them.",
        ),
        Said(
            "乙が申込みのときに示した利用目的は、「{purpose}」である。移転の後の乙による利用は、これに限られない。",
            'The use that the Buyer named when it applied is "{purpose}". After the transfer its use is not confined '
            "to that.",
        ),
        shared.DERIVED,
    ),
    shared.clause(
        2,
        Said("提供データの引渡し", "Handover"),
        Said(
            "甲は、本取引市場が発行する署名付きURLその他の別紙1に定める方法により、提供データを乙に引き渡す。",
            "The Provider hands the Data over to the Buyer by signed URLs issued by the exchange and by the other "
            "means named in Annex 1.",
        ),
        Said(
            "引渡しは、乙が提供データの全部を取得した時に完了する。乙が、取得できるようになった日から{collect_days}日以内に取得しない"
            "ときは、その期間が過ぎた時に完了したものとみなす。",
            "The handover is complete when the Buyer has obtained all of the Data. Where it does not within "
            "{collect_days} days of the day on which it could, the handover counts as complete when they have passed.",
        ),
        Said("{updates}", "{updates}"),
    ),
    shared.clause(
        3,
        Said("提供データの譲渡", "Transfer"),
        Said(
            "甲は、提供データの一切の利用権限および提供データについて甲が有する著作権その他の知的財産権を乙に譲渡し、これらは、"
            "{transfer_time}に移転する。",
            "The Provider transfers to the Buyer all Rights of Use and whatever copyrights and other intellectual "
            "property it has in the Data; they pass {transfer_time}.",
        ),
        Said("{copyright_27_28}", "{copyright_27_28}"),
        Said(
            "甲は、乙および乙から提供データを受け取った者に対し、提供データについて著作者人格権を行使せず、著作者に行使させない。",
            "The Provider does not exercise moral rights of authors in the Data against the Buyer or those who "
            "receive the Data from it, nor has the authors exercise them.",
        ),
        Said("{provider_deletion}", "{provider_deletion}"),
        Said(
            "移転の後に甲が提供データについてすることができる利用は、次のとおりとする。「{residual_use}」",
            'The use of the Data that is left to the Provider after the transfer: "{residual_use}"',
        ),
        Said("{earlier_licences}", "{earlier_licences}"),
        Said(
            "甲は、提供データの利用権限を他に譲渡しておらず、担保に供していないこと、および本契約の成立の後に、これを乙以外の者に"
            "譲渡し、担保に供し、または提供データの利用を新たに許諾しないことを保証する。",
            "The Provider warrants that it has neither transferred nor charged the Rights of Use elsewhere, and that "
            "after the conclusion of this Agreement it neither transfers nor charges them to anyone but the Buyer nor "
            "licenses anyone anew.",
        ),
    ),
    shared.payment(
        Said(
            "提供データの譲渡の対価は、{price}とする。{price_details}",
            "The price for the transfer of the Data: {price}. {price_details}",
        )
    ),
    shared.warranty(),
    shared.liability(
        Said("第3条に定める保証または利用の制限に違反した場合", "or breach of the warranties and limits in Article 3")
    ),
    shared.reporting(
        Said(
            "利用状況の報告および監査に関する定めは、設けない。乙は、提供データの利用状況を甲に報告することを要しない。",
            "There are no reports and no audits: the Buyer need not report its use of the Data.",
        )
    ),
    shared.clause(
        8,
        Said("提供データの管理", "Keeping the Data"),
        Said(
            "甲は、移転までの間および移転の後に複製物を保有する間、善良な管理者の注意をもって提供データを管理する。",
            "The Provider keeps the Data with the care of a good manager until they pass, and as long as it has copies "
            "afterwards.",
        ),
        Said(
            "移転の後は、乙が自己の判断と責任で提供データを管理する。ただし、乙は、提供データから特定の個人を識別しようとして"
            "はならない。個人情報の保護に関する法律その他の法令および本契約に添付する"
            "別紙による義務は、これにより軽減されない。",
            "After the transfer the Buyer keeps the Data as it sees fit and answers for that, but shall not try to "
            "identify any person from them. This lessens no duty under the law on personal information, other laws, "
            "or annexes to this Agreement.",
        ),
    ),
    HELD_BY_PROVIDER.clause(
        shared.mitigation(
            Said(
                "本条は、乙が提供データまたはその複製物を保有する間に生じたことに適用する。",
                "This Article holds for what happens while the Buyer has the Data or copies of them.",
            )
        )
    ),
    shared.secrecy(
        Said(
            "移転の後、甲は、公知であるものを除き、提供データの内容を乙の秘密として扱う。ただし、第3条に定める利用を妨げない。",
            "After the transfer the Provider treats the content of the Data, unless public, as the Buyer's secret. "
            "This does not prevent the use that Article 3 leaves to it.",
        )
    ),
    shared.derived(
        Said(
            "派生データの利用権限は乙に帰属し、乙は自由にこれを利用し、第三者に提供することができる。乙は、派生データから得た利益を"
            "甲に分配することを要しない。",
            "Rights in Derived Data belong to the Buyer, who may use them and give them to third parties freely, and "
            "need not share profit from them.",
        ),
        Said(
            "移転の前に甲または第三者が提供データから適法に生じさせたデータの利用権限は、本契約によって移転しない。",
            "Rights in data that the Provider or others lawfully made from the Data before the transfer do not pass.",
        ),
    ),
    shared.duration(),
    shared.force_majeure(),
    shared.termination(
        Said(
            "前項の解約は、既に移転した利用権限および既に生じた対価に影響しない。",
            "Ending it under the preceding paragraph touches neither rights that have passed nor the price that is "
            "due.",
        )
    ),
    shared.after_the_end(
        Said(
            "本契約が終了しても、移転した利用権限は乙に残り、乙は、提供データの利用をやめ、またはこれを消去することを要しない。",
            "When the Agreement ends, rights that have passed stay with the Buyer, who need neither stop using the "
            "Data nor delete them.",
        ),
        Said(
            "利用権限が移転する前に本契約が終了したとき、または乙が対価を支払わないために甲が本契約を解除したときは、利用権限は甲に属し、"
            "乙は、提供データの利用をやめ、複製物を含めて遅滞なくこれを消去する。",
            "Where the Agreement ends before they pass, or the Provider terminates it because the price is not paid, "
            "the rights are the Provider's, and the Buyer stops using the Data and deletes them with all copies "
            "without delay.",
        ),
    ),
    shared.no_anti_social_forces(),
    shared.survival(
        Said(
            "第3条から第6条まで、第9条から第11条まで、第15条、第18条、第20条および第21条",
            "3 to 6, 9 to 11, 15, 18, 20 and 21",
        )
    ),
    shared.no_assignment(
        Said(
            "移転の後に乙が提供データを第三者に譲渡し、または利用させることは、これを妨げない。",
            "This does not keep the Buyer from transferring the Data to third parties, or letting them use the Data, "
            "after they have passed.",
        )
    ),
    shared.entire_agreement(),
    shared.governing_law(),
    shared.disputes(),
)

RULES = (
    Rule(
        key="assignment_has_one_price",
        fields=("transfer_time",),
        broken=lambda v, deal: deal.pricing_model not in ("free", "one_off"),
        message=Said(
            "譲渡の対価は、無料か一括だけです。期間、利用量、売上に応じた対価には、利用許諾のひな型を使ってください。",
            "Data are transferred free of charge or for one price. For fees by time, use or sales, take the licence "
            "template.",
        ),
        source=shared.RULEBOOK,
    ),
    Rule(
        key="public_data_are_not_assigned",
        fields=("provider_deletion",),
        broken=lambda v, deal: deal.provider_kind == "municipality",
        message=Said(
            "自治体が保有するデータは公共の資産であり、利用者を平等に扱うため、譲渡できません。利用許諾のひな型を使ってください。",
            "A municipality's data are a public asset and its users are treated equally: they cannot be transferred. "
            "Take the licence template.",
        ),
        source=shared.PUBLIC_ASSET,
    ),
    Rule(
        key="residual_use_is_stated",
        fields=("residual_use", "provider_deletion"),
        broken=lambda v, deal: (v["provider_deletion"] == "residual_use") != bool(str(v["residual_use"]).strip()),
        message=Said(
            "提供者に残る利用は、「決めた範囲で使い続ける」を選んだときだけ、必ず書いてください。",
            "What the provider may still do is stated exactly where it may use the data on.",
        ),
        source=shared.FROM_THE_ARTICLES,
    ),
    shared.LEAK_REPORT_FOLLOWS_THE_NOTICE,
    shared.COMMISSION_IS_PAID_IN_FULL,
)

TEMPLATE = Template(
    key="provision-assignment",
    version="1.0",
    dated=date(2026, 11, 1),
    kind="contract",
    name=Said("データ提供型・譲渡", "Data provision, assignment"),
    about=Said(
        "提供者がデータを利用する権限をすべて利用者に移し、手元には残さないときの標準契約です。",
        "The standard contract where the provider hands its data over with all rights to use them.",
    ),
    source=shared.guideline(
        Said("データ提供型の構成を譲渡の形に組み替え", "the data provision contract, recast as an assignment,")
    ),
    clauses=CLAUSES,
    variables=VARIABLES,
    rules=RULES,
)

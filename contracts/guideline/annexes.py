"""Annexes that attach themselves to any contract where the facts require it: personal data, anonymized information,
cross-border, municipal data, commissioned creation.

They say what the law asks for, in this exchange's words. `confirmed` means here that the articles named were checked
against reprints of the law in force; bills not yet in force (the 2026 review of 個人情報保護法) are not in them. An annex
goes before the body of a contract, since what it says binds whatever the parties chose.

甲 is the provider and 乙 the buyer in every template. Where either may be the one who hands data over (joint use), an
annex speaks of who provides and who receives.
"""

from __future__ import annotations

from contracts.guideline.parts import Annex, Said

PERSONAL_CLASSES = frozenset({"person_related", "personal", "sensitive"})
WORLDWIDE, MUNICIPALITY = "worldwide", "municipality"

_DATA = Said(
    "この別紙は、本契約に基づき当事者間で提供されるデータ（以下この別紙において「本データ」という。）に適用し、本文と異なるときは"
    "この別紙による。",
    'This Annex applies to the data that pass between the Parties under this Agreement (in this Annex the "Data") and goes '
    "before the body where they differ.",
)

PERSONAL = Annex(
    key="personal",
    title=Said("個人データ等の取扱い", "Personal data"),
    paragraphs=(
        _DATA,
        Said(
            "本データを提供する当事者は、本データを適正に取得したことおよび本人の同意その他の第三者に提供するための法令上の根拠があることを"
            "確認し、受領する当事者が求めたときはこれを示す（個人情報の保護に関する法律（以下この別紙において「法」という。）第20条、"
            "第27条）。",
            "The Party that provides the Data makes sure, and shows on request, that they were properly obtained and that "
            "there is consent or another ground in law for giving them to a third party (Act on the Protection of Personal "
            'Information, in this Annex the "Act", Articles 20 and 27).',
        ),
        Said(
            "要配慮個人情報は、本人の同意がある場合その他法令が認める場合でなければ提供しない（法第20条第2項、第27条第2項）。",
            "Special care-required personal information is not provided without the person's consent or another ground that "
            "the law allows (Articles 20 (2) and 27 (2)).",
        ),
        Said(
            "個人関連情報を受領する当事者は、これを個人データとして取得することを予定するときは、あらかじめ申し出る。この場合、提供する"
            "当事者は、本人の同意が得られていることを確認した後に提供する。申出をしない限り、受領する当事者は、個人関連情報を特定の個人に"
            "結び付けない（法第31条）。",
            "A Party that receives information related to persons and intends to hold it as personal data says so beforehand; "
            "the other then provides it only once it has confirmed the persons' consent. Unless it said so, the receiving "
            "Party does not link the information to any person (Article 31).",
        ),
        Said(
            "各当事者は、提供および受領の際の確認と記録を法に従って行い、定められた期間保存し、相手方の確認に協力する（法第29条から"
            "第31条まで）。",
            "Each Party checks and records the provision and receipt as the Act asks, keeps the records for the time it sets "
            "and helps the other to check (Articles 29 to 31).",
        ),
        Said(
            "受領する当事者は、個人データの安全管理のために必要な措置を講じ、従業者および委託先を監督し、取り扱う者を必要な者に限る（法第23条"
            "から第25条まで）。",
            "The receiving Party takes the measures needed to keep personal data safe, supervises employees and contractors "
            "and lets those alone handle them who need to (Articles 23 to 25).",
        ),
        Said(
            "個人データの漏えい等またはそのおそれを知った当事者は、本文に定める期限にかかわらず直ちに相手方に知らせ、双方は、個人情報保護委員会"
            "への報告および本人への通知が必要なときは、協力してこれを行う（法第26条）。",
            "A Party that learns of a leak of personal data, or of a concern of one, tells the other at once, whatever time "
            "the body allows; both cooperate in reporting to the Personal Information Protection Commission and notifying "
            "the persons where that is due (Article 26).",
        ),
        Said(
            "本人から開示、訂正、利用停止その他の請求を受けた当事者は、相手方に関わるときは遅滞なく知らせ、双方は協力してこれに応じる。",
            "A Party that a person asks for disclosure, correction, an end of use or the like tells the other without delay "
            "where it is concerned; both cooperate in answering.",
        ),
    ),
    source=Said(
        "個人情報の保護に関する法律（平成15年法律第57号）第20条、第23条から第27条まで、第29条から第31条まで。条番号は法令の転載等で"
        "照合済み。改正の動向（2026年）は反映していません。",
        "Act on the Protection of Personal Information (Act 57 of 2003), Articles 20, 23 to 27 and 29 to 31. Article numbers "
        "checked against reprints of the law; the review of 2026 is not reflected.",
    ),
    confirmed=True,
    attaches=lambda values, deal: deal.data_class in PERSONAL_CLASSES,
)

ANONYMIZED = Annex(
    key="anonymized",
    title=Said("匿名加工情報の取扱い", "Anonymized information"),
    paragraphs=(
        _DATA,
        Said(
            "（明示）本データを提供する当事者は、本データが個人情報の保護に関する法律（以下この別紙において「法」という。）第2条第6項の"
            "匿名加工情報であることを、この別紙により受領する当事者に明示する（法第43条第4項、第44条）。",
            "(Statement) By this Annex the Party that provides the Data states to the other that they are anonymized "
            "information under Article 2 (6) of the Act on the Protection of Personal Information (in this Annex the "
            '"Act"; Articles 43 (4) and 44).',
        ),
        Said(
            "（公表）提供する当事者は、本データに含まれる個人に関する情報の項目を作成の後に、その項目と提供の方法を最初の提供の前に、"
            "インターネットの利用その他の適切な方法により公表し、公表した場所を受領する当事者に知らせる（法第43条第3項および第4項、第44条）。",
            "(Publication) The providing Party publishes, on the Internet or otherwise in a fitting way, which items of "
            "information about individuals the Data hold once they are made, and those items with the way of provision "
            "before the first is provided, and tells the other where (Articles 43 (3), (4) and 44).",
        ),
        Said(
            "（識別行為の禁止）受領する当事者は、本データの元となった個人情報の本人を識別するために、削除された記述等、個人識別符号もしくは"
            "加工の方法に関する情報を手に入れ、または本データを他の情報と照合してはならない（法第45条）。",
            "(No identification) The receiving Party shall not, in order to identify persons behind the Data, get hold of "
            "what was deleted, of individual identification codes or of how the Data were processed, nor compare the Data "
            "with other information (Article 45).",
        ),
        Said(
            "提供する当事者は、加工の方法に関する情報および削除した記述等を安全に管理し、受領する当事者に渡さない（法第43条第2項）。",
            "The providing Party keeps safe how the Data were processed and what was deleted, and passes neither on "
            "(Article 43 (2)).",
        ),
        Said(
            "受領する当事者は、本文により第三者への提供が認められる場合に限り本データを第三者に提供することができ、その際は、自ら公表および"
            "明示を行い、この別紙と同等の義務を負わせる（法第44条）。",
            "The receiving Party may pass the Data on only where the body lets it, and then itself publishes and states what "
            "this Annex says and binds the recipient to equal duties (Article 44).",
        ),
        Said(
            "受領する当事者は、本データの安全管理および苦情の処理のために必要な措置を講じ、その内容を公表するよう努める（法第46条）。",
            "The receiving Party endeavours to take the measures needed to keep the Data safe and to deal with complaints, "
            "and to publish them (Article 46).",
        ),
        Said(
            "本データから特定の個人が識別されるおそれを知った当事者は、直ちに利用および提供をやめ、相手方および本取引市場の運営者に知らせる。",
            "A Party that learns of a concern that persons can be identified from the Data stops using and providing them at "
            "once and tells the other and the operator of the exchange.",
        ),
    ),
    source=Said(
        "個人情報の保護に関する法律（平成15年法律第57号）第2条第6項、第43条から第46条まで。条番号は法令の転載等で照合済み。改正の動向"
        "（2026年）は反映していません。",
        "Act on the Protection of Personal Information (Act 57 of 2003), Articles 2 (6) and 43 to 46. Article numbers checked "
        "against reprints of the law; the review of 2026 is not reflected.",
    ),
    confirmed=True,
    attaches=lambda values, deal: deal.data_class == "anonymized",
)

CROSS_BORDER = Annex(
    key="cross-border",
    title=Said("国外での保存および利用", "Storage and use abroad"),
    paragraphs=(
        _DATA,
        Said(
            "本データを日本国外で保存し、または利用する当事者は、その国または地域、保存に用いる事業者またはサービスおよび取り扱う者を、"
            "あらかじめ相手方に知らせる。これらを変えるときも同様とする。",
            "A Party that keeps or uses the Data outside Japan tells the other beforehand in which country or region, with "
            "which provider or service and by whom. The same holds for changes.",
        ),
        Said(
            "日本国外での保存および利用についても、本契約の義務および日本法の適用は変わらない。",
            "Duties under this Agreement and the law of Japan hold abroad as they do at home.",
        ),
        Said(
            "外国の法令に基づき外国の機関から本データの開示を求められた当事者は、法令が禁じる場合を除き、応じる前に相手方に知らせ、開示を"
            "必要な範囲にとどめる。",
            "A Party that a foreign authority asks under foreign law to disclose the Data tells the other before it does, "
            "unless the law forbids, and discloses no more than it must.",
        ),
        Said(
            "本データに個人データが含まれるときは、外国にある第三者への提供は、必要な情報を示して得た本人の同意その他の法令上の根拠がある"
            "場合に限る（個人情報の保護に関する法律第28条）。個人関連情報については、同法第31条の確認を併せて行う。",
            "Where the Data hold personal data, they go to third parties abroad only with the persons' consent, given on the "
            "information that the law asks for, or on another ground in law (Act on the Protection of Personal Information, "
            "Article 28). For information related to persons the check of Article 31 is made as well.",
        ),
        Said(
            "本データを国外に送り、または非居住者に提供する当事者は、あらかじめ、外国為替及び外国貿易法第25条の許可を要する技術に当たるか"
            "どうかを確かめ、当たるときは許可を得る。",
            "A Party that sends the Data abroad or gives them to non-residents first checks whether they are technology that "
            "needs permission under Article 25 of the Foreign Exchange and Foreign Trade Act, and obtains it where they are.",
        ),
        Said(
            "外国の法令、紛争その他の事情により本契約に従った管理ができなくなるおそれがあるときは、当該当事者は、直ちに相手方に知らせ、本データを"
            "日本国内に戻し、または消去する。",
            "Where foreign law, conflict or other circumstances put management under this Agreement in doubt, the Party "
            "concerned tells the other at once and brings the Data back to Japan or deletes them.",
        ),
    ),
    source=Said(
        "個人情報の保護に関する法律（平成15年法律第57号）第28条、第31条、外国為替及び外国貿易法（昭和24年法律第228号）第25条。条番号は法令の"
        "転載等で照合済み。通知および開示請求への対応は本取引市場の定めです。",
        "Act on the Protection of Personal Information (Act 57 of 2003), Articles 28 and 31; Foreign Exchange and Foreign "
        "Trade Act (Act 228 of 1949), Article 25. Article numbers checked against reprints of the law; notice and the "
        "answer to foreign authorities are this exchange's own.",
    ),
    confirmed=True,
    attaches=lambda values, deal: WORLDWIDE in (values.get("storage_country"), values.get("territory")),
)


# ── municipalities ───────────────────────────────────────────────────────────────────────────────────────────────────


def _of_any_municipality(party: Said) -> tuple[Said, ...]:
    """What holds for a municipality on either side."""
    return (
        Said(
            f"この別紙は、{party.ja}が地方公共団体であるために適用し、本文と異なるときはこの別紙による。",
            f"This Annex applies because the {party.en} is a municipality and goes before the body where they differ.",
        ),
        Said(
            "本契約は、甲および乙が契約書に記名押印し、または契約内容を記録した電磁的記録に法令の定める電子署名等の措置を講じた時に確定する"
            "（地方自治法第234条第5項）。確定し、本取引市場にその記録がされるまでは、データは提供されず、対価は生じない。",
            "This Agreement becomes final once both Parties have put name and seal to the document, or have taken the measures "
            "the law sets, such as electronic signatures, on its electronic record (Local Autonomy Act, Article 234 (5)). "
            "Until it is final and the exchange has a record of that, no data are provided and no price is due.",
        ),
        Said(
            f"本契約のいかなる定めも、{party.ja}が情報公開に関する条例その他の法令に基づいて行う公開を妨げない。{party.ja}は、相手方に関する"
            "情報の公開を求められたときは、条例の定めに従い、あらかじめ相手方の意見を聴く。",
            f"Nothing in this Agreement prevents the {party.en} from disclosing what its ordinance on access to information or "
            f"other law requires. Asked to disclose information about the other Party, the {party.en} first hears it as the "
            "ordinance says.",
        ),
        Said(
            f"{party.ja}の会計年度は、4月1日から翌年3月31日までとし（地方自治法第208条）、対価があるときは、その年度所属は法令の定めるところ"
            "による。",
            f"The fiscal year of the {party.en} runs from 1 April to 31 March (Local Autonomy Act, Article 208); to which year "
            "a price belongs is settled by law.",
        ),
    )


MUNICIPAL_PROVIDER = Annex(
    key="municipal-provider",
    title=Said("地方公共団体のデータに関する特則", "Data of a municipality"),
    paragraphs=(
        *_of_any_municipality(Said("甲", "Provider")),
        Said(
            "甲が提供するデータに関する著作権その他の権利のうち公有財産に当たるもの（地方自治法第238条）は、本契約により移転しない。移転または"
            "処分を伴う定めは、法令、条例および規則の定める手続を経た場合に限り効力を有する。",
            "Copyright and other rights in the Provider's data that are public property (Local Autonomy Act, Article 238) do not pass "
            "under this Agreement. Terms that transfer or dispose of them are effective only where the procedure of laws, "
            "ordinances and rules was followed.",
        ),
        Said(
            "本契約は独占的な利用を認めるものではなく、甲は、同じデータを他の者に公平に提供し、またはオープンデータとして公開することができる。",
            "This Agreement grants no exclusivity: the Provider may give the same data to others on equal terms or publish "
            "them as open data.",
        ),
        Said(
            "対価があるときは、乙は、甲が調定し通知するところに従い、これを甲に直接納入する（地方自治法第231条）。本取引市場の運営者は、"
            "指定公金事務取扱者（同法第243条の2）でない限り、これを収納しない。",
            "Where a price is due, the Buyer pays it directly to the Provider as the latter assesses and notifies (Local "
            "Autonomy Act, Article 231). The operator of the exchange does not collect it unless it is designated to handle "
            "public money (Article 243-2).",
        ),
    ),
    source=Said(
        "地方自治法（昭和22年法律第67号）第208条、第231条、第234条第5項、第238条、第243条の2。条番号は法令の転載等で照合済み。独占の禁止と"
        "公平な提供は、公有財産の扱いから導いた本取引市場の定めです。",
        "Local Autonomy Act (Act 67 of 1947), Articles 208, 231, 234 (5), 238 and 243-2. Article numbers checked against "
        "reprints of the law; that there is no exclusivity is this exchange's own, drawn from how public property is treated.",
    ),
    confirmed=True,
    attaches=lambda values, deal: deal.provider_kind == MUNICIPALITY,
)

MUNICIPAL_BUYER = Annex(
    key="municipal-buyer",
    title=Said("地方公共団体が利用者となる場合の特則", "A municipality as buyer"),
    paragraphs=(
        *_of_any_municipality(Said("乙", "Buyer")),
        Said(
            "乙は、本契約の締結に必要な入札、随意契約その他の手続を、法令、条例および規則に従って済ませたことを確認する。",
            "The Buyer confirms that it followed the procedure, by tender or otherwise, that laws, ordinances and rules ask "
            "for before it concludes this Agreement.",
        ),
        Said(
            "乙は、適法な請求を受けた日から30日以内に対価を支払う（政府契約の支払遅延防止等に関する法律第6条、第14条）。遅延損害金は、同法の"
            "定めを下回らない。",
            "The Buyer pays within 30 days of a proper invoice (Act on Preventing Delay in Payment under Government "
            "Contracts, Articles 6 and 14). Interest on late payment is no less than that Act sets.",
        ),
        Said(
            "翌年度以降に支払う対価の定めは、債務負担行為または長期継続契約による場合に限り、その年度についても効力を有する。長期継続契約に"
            "よる場合、翌年度以降の予算において対価の額が減額または削除されたときは、乙は、あらかじめ通知して本契約を変更し、または解除する"
            "ことができる（地方自治法第214条、第234条の3）。",
            "Terms on a price to be paid in later fiscal years are effective there only under an act of debt obligation or as a "
            "long-term continuing contract. Under the latter, where a later budget cuts or strikes the price, the Buyer may, "
            "on notice, change or terminate this Agreement (Local Autonomy Act, Articles 214 and 234-3).",
        ),
    ),
    source=Said(
        "地方自治法（昭和22年法律第67号）第208条、第214条、第234条第5項、第234条の3、政府契約の支払遅延防止等に関する法律（昭和24年法律第256号）"
        "第6条、第14条。条番号は法令の転載等で照合済み。予算の減額による解除は、長期継続契約で広く行われる特約にならう本取引市場の定めです。",
        "Local Autonomy Act (Act 67 of 1947), Articles 208, 214, 234 (5) and 234-3; Act on Preventing Delay in Payment under "
        "Government Contracts (Act 256 of 1949), Articles 6 and 14. Article numbers checked against reprints of the law; "
        "termination where the budget is cut is this exchange's own, as is usual in long-term continuing contracts.",
    ),
    confirmed=True,
    attaches=lambda values, deal: deal.buyer_kind == MUNICIPALITY,
)

COMMISSIONED = Annex(
    key="commissioned",
    title=Said("作成の委託", "Commissioned creation"),
    paragraphs=(
        Said(
            "この別紙は、乙が甲に本契約のデータの作成または加工（以下この別紙において「本件作成」という。）を委託するために適用し、本文と異なる"
            "ときはこの別紙による。",
            "This Annex applies because the Buyer commissions the Provider to make or process data under this Agreement (in "
            'this Annex the "Work") and goes before the body where they differ.',
        ),
        Said(
            "乙は、委託の際直ちに、作成するデータの内容、代金の額またはその算定方法、納入の期日および方法、検査を完了する期日、支払期日その他"
            "法令が定める事項を、書面または電磁的方法により甲に明示する（製造委託等に係る中小受託事業者に対する代金の支払の遅延等の防止に関する"
            "法律（以下この別紙において「取適法」という。）第4条）。",
            "On commissioning, the Buyer states to the Provider at once, in writing or electronically, what is to be made, the "
            "price or how it is computed, when and how it is handed over, by when it is inspected, when it is paid and what "
            "else the law asks for (Act on Preventing Delay in Payment to Small and Medium Contractors, in this Annex the "
            '"Payment Act", Article 4).',
        ),
        Said(
            "乙は、納入を受けた日から10日以内に、納入されたデータが明示した内容に合うかどうかを検査し、合わない点を甲に知らせる。この期間内に"
            "知らせがないときは、検査に合格したものとみなす。甲は、知らせを受けた点を、自己の費用で速やかに補正する。",
            "Within 10 days of delivery the Buyer inspects whether the data are as stated and tells the Provider where they "
            "are not. Where it says nothing in that time, they count as accepted. The Provider mends what it was told of "
            "promptly at its own cost.",
        ),
        Said(
            "代金は、検査の有無にかかわらず、納入を受けた日から起算して60日以内の、できるだけ早い日に支払う。支払期日を定めなかったときは、"
            "納入を受けた日を支払期日とする（取適法第3条）。",
            "The price is paid as soon as possible and within 60 days, counted from the day of delivery, whether or not the "
            "data were inspected. Where no due date was set, it is the day of delivery (Payment Act, Article 3).",
        ),
        Said(
            "乙は、手形によらず現金またはこれと同等の方法で支払い、振込手数料を差し引かず、甲の責めによらない減額、受領の拒否、やり直しの要求"
            "および協議に応じない一方的な代金の決定をしない（取適法第5条）。支払が遅れたときは、納入を受けた日から60日を経過した日から支払済みまで、"
            "年14.6%の遅延利息を支払う（取適法第6条）。",
            "The Buyer pays in cash or what equals it, not by promissory note, deducts no bank transfer fee, and does not, "
            "where the Provider is not at fault, cut the price, refuse delivery or have work redone, nor set the price "
            "without negotiating (Payment Act, Article 5). Late payment bears interest of 14.6 % a year from the day on which "
            "60 days from delivery have passed until paid (Article 6).",
        ),
        Said(
            "前4項のうち取適法に基づく定めは、当事者の資本金、従業員数および委託の内容が取適法の要件に当たらない場合も、本件作成に適用する。"
            "甲が特定受託事業者であるときは、特定受託事業者に係る取引の適正化等に関する法律も守る。",
            "What the four paragraphs above take from the Payment Act holds for the Work even where capital, number of "
            "employees or kind of work keep the Parties outside that Act. Where the Provider is a freelancer, the Act on "
            "fair transactions with freelancers is observed as well.",
        ),
        Said(
            "本件作成により生じたデータに関する著作権その他の権利は、本文に別段の定めがない限り甲に帰属し、乙は本文の定めに従ってこれを利用する。"
            "権利を乙に移すときは、著作権法第27条および第28条の権利を含むかどうかを特に掲げ（同法第61条第2項）、その対価を代金に含めて明示する。",
            "Copyright and other rights in what the Work brings about belong to the Provider unless the body says otherwise, "
            "and the Buyer uses it as the body says. Where rights pass to the Buyer, it is stated expressly whether those of "
            "Articles 27 and 28 of the Copyright Act are among them (Article 61 (2)), and their price is stated as part of "
            "the price.",
        ),
        Said(
            "各当事者が本件作成の前から有し、または本件作成によらずに得たデータ、プログラムおよびノウハウは、その当事者に留まる。",
            "Data, programs and know-how that a Party had before the Work, or obtained apart from it, stay with that Party.",
        ),
        Said(
            "甲は、本件作成の全部または一部を第三者に委託するときは、あらかじめ乙の承諾を得て、この別紙と同等の義務を負わせる。乙は、本件作成に"
            "関する記録を作成し、2年間保存する（取適法第7条）。",
            "The Provider passes the Work or a part of it to others only with the Buyer's prior consent and under equal "
            "duties. The Buyer makes records of the Work and keeps them for two years (Payment Act, Article 7).",
        ),
    ),
    source=Said(
        "製造委託等に係る中小受託事業者に対する代金の支払の遅延等の防止に関する法律（昭和31年法律第120号。2026年1月1日施行の改正後）第3条から"
        "第7条まで、著作権法（昭和45年法律第48号）第27条、第28条、第61条第2項。条番号は法令の転載および公的資料で照合済み。検査の期間と、法の要件に"
        "当たらない場合にも適用することは、本取引市場の定めです。",
        "Act on Preventing Delay in Payment to Small and Medium Contractors (Act 120 of 1956, as amended from 1 January 2026), "
        "Articles 3 to 7; Copyright Act (Act 48 of 1970), Articles 27, 28 and 61 (2). Article numbers checked against reprints "
        "of the law and official pages; the time for inspection, and that it holds outside the Act's scope, are this "
        "exchange's own.",
    ),
    confirmed=True,
    attaches=lambda values, deal: values.get("commissioned") == "yes",
)

ANNEXES: tuple[Annex, ...] = (
    PERSONAL,
    ANONYMIZED,
    CROSS_BORDER,
    MUNICIPAL_PROVIDER,
    MUNICIPAL_BUYER,
    COMMISSIONED,
)

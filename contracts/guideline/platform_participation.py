"""データ共用型（プラットフォーム型）: what the exchange and those who take part promise each other.

The data part of the 「AI・データの利用に関する契約ガイドライン」 (経済産業省, 2018-06, version 1.1 2019-12) lists ten topics
that a platform's terms must settle; the list is confirmed, and every clause that settles one says so. Every word of the
clauses is this exchange's own. The same text stands at /terms/providers and /terms/users, each with the clauses that
bind its readers, and is accepted there: it is behind no offer.

A changed text is a new `Template` at the end of `VERSIONS`, with its number and date in `exchange.identity.terms`;
the one before stays, so that it can be read for ever. Version 1 was two separate texts, in templates/legal/.
"""

from __future__ import annotations

from datetime import date

from contracts.guideline.parts import Clause, Party, Said, Template

TOPICS = {
    1: Said("取り扱うデータ・サービスの種類", "kinds of data and services"),
    2: Said("参加者の範囲（資格）", "who may take part"),
    3: Said(
        "提供データ・利用データと利用サービスの許諾の範囲",
        "scope of permission for data provided, data used and services",
    ),
    4: Said("提供データについての提供者の責任（保証・非保証）", "the provider's responsibility for data provided"),
    5: Said("派生データなど成果物の権利関係", "rights in derived data and other results"),
    6: Said("監査、苦情と紛争の処理", "audit, complaints and disputes"),
    7: Said("運営事業者の義務と責任（限定）", "the operator's duties and its limited liability"),
    8: Said("提供者・利用者の義務と責任（限定）", "duties and limited liability of providers and users"),
    9: Said("違反があったときの制裁", "sanctions for breach"),
    10: Said(
        "脱退・終了のときの提供データと成果物の取扱い", "data and results when someone leaves or the platform ends"
    ),
}
MARKS = "①②③④⑤⑥⑦⑧⑨⑩"
GUIDELINE = Said(
    "経済産業省「AI・データの利用に関する契約ガイドライン（データ編）」（2018年6月、2019年12月 1.1版）が、データ共用型"
    "（プラットフォーム型）の規約で定めるべきものとする10の項目にそって構成し、条文の文言はすべて本取引市場が独自に"
    "作成したものです。",
    "Arranged along the ten topics that METI's Contract Guidelines on Utilization of AI and Data, Data Section (June 2018, "
    "version 1.1 December 2019) expects the terms of a data sharing platform to settle. The wording of every clause is "
    "this exchange's own.",
)
OWN = Said(
    "10の項目にはない、本取引市場が独自に定める条", "Beside the ten topics: a clause that this exchange adds of its own"
)
BOTH: tuple[Party, ...] = ("provider", "buyer")


def _source(topics: tuple[int, ...]) -> Said:
    if not topics:
        return OWN
    ja = "、".join(f"{MARKS[n - 1]}{TOPICS[n].ja}" for n in topics)
    en = "; ".join(f"({n}) {TOPICS[n].en}" for n in topics)
    return Said(
        f"データ編 共用型の項目 {ja}（項目の一覧は確認済み）", f"Data sharing topic {en} (list of topics confirmed)"
    )


def _clause(article: int, topics: tuple[int, ...], binds: tuple[Party, ...], title: Said, *paragraphs: Said) -> Clause:
    return Clause(
        article=article,
        title=title,
        paragraphs=paragraphs,
        source=_source(topics),
        confirmed=bool(topics),
        binds=binds,
    )


GENERAL = (
    _clause(
        1,
        (),
        BOTH,
        Said("この規約の目的と言葉", "Purpose and words"),
        Said(
            "この規約は、{operator}（以下「運営者」）が運営するデータ取引市場「仲立ち」（以下「本市場」）に参加する組織と、"
            "運営者との間の約束を定めます。この規約は、民法第548条の2第1項の定型約款です。",
            "These terms set out what {operator} (“the operator”), who runs the data exchange Nakadachi (“the exchange”), "
            "and the organizations that take part promise each other. They are standard terms under Article 548-2(1) of the "
            "Civil Code.",
        ),
        Said(
            "「提供者」はデータを提供する組織、「利用者」はデータを利用する組織、「参加者」はその両方をいいます。"
            "「提供データ」は、提供者が本市場に掲載し、又は引き渡すデータをいいます。「個別契約」は、提供者と利用者が"
            "データごとに結ぶ契約をいいます。",
            "A “provider” is an organization that provides data, a “user” one that uses data; “participants” are both. “Data” "
            "are what a provider lists or delivers through the exchange. An “individual contract” is what a provider and a "
            "user conclude about certain data.",
        ),
        Said(
            "条ごとに、提供者に適用するもの、利用者に適用するもの、両方に適用するものの別を示します。一つの組織が両方の立場で"
            "参加するときは、それぞれの立場に応じて適用します。",
            "Each article says whether it binds providers, users, or both. To an organization that takes part in both roles "
            "each applies according to the role in which it acts.",
        ),
        Said(
            "提供者と利用者の間では、個別契約の定めがこの規約に優先します。運営者との間では、この規約によります。",
            "Between provider and user the individual contract prevails over these terms; towards the operator these terms "
            "apply.",
        ),
    ),
    _clause(
        2,
        (7,),
        BOTH,
        Said("運営者の中立", "Neutrality of the operator"),
        Said(
            "運営者は、提供者と利用者の取引を仲立ちする中立の立場にあります。自らデータを売買せず、提供データについての権利を"
            "持たず、価格を決めません。",
            "The operator is a neutral intermediary between providers and users. It does not buy or sell data, holds no rights "
            "in data, and sets no prices.",
        ),
        Said(
            "個別契約の当事者は、提供者と利用者です。運営者は、当事者が選んだ項目、条文、価格を書き換えません。運営者の審査の"
            "結論は、認める、理由を示して戻す、理由を示して認めない、のいずれかに限ります。",
            "The parties to an individual contract are the provider and the user. The operator does not edit what they chose, "
            "the clauses or the price. Its review ends in one of three ways: approved, returned with reasons, or refused with "
            "reasons.",
        ),
        Said(
            "運営者は、提供データの中身を読みません。ファイルの取扱いは、機械による形式の確認と個人情報の疑いの検査、提供者が"
            "見せると決めた見本の表示、引渡し、法令に基づく対応に限ります。",
            "The operator does not read data. Files are handled only for automatic checks of format and of suspected personal "
            "information, to show samples the provider released, for delivery, and where the law requires.",
        ),
        Said(
            "運営者は、取引から知り得たことを、自らの事業のためにも、ほかの参加者のためにも使いません。特定の参加者を理由なく"
            "有利又は不利に扱わず、対価を受けて一覧の並び順を変えません。",
            "What the operator learns from deals it uses neither for business of its own nor for other participants. It favors "
            "or disfavors nobody without reason, and takes no payment for places in lists.",
        ),
        Said(
            "運営者の担当者は、自分と利害の関係がある組織についての審査、苦情の処理、措置の決定に加わりません。",
            "Members of the operator's staff take no part in reviews, complaints or measures about an organization they have "
            "an interest in.",
        ),
    ),
    _clause(
        3,
        (1,),
        BOTH,
        Said("取り扱うデータとサービス", "Data and services"),
        Said(
            "本市場で取り扱うデータは、個人に関しない情報、特定の個人との対応関係がなくなるまで集計した統計情報、誰でも無料で"
            "利用できるデータ（オープンデータ）、及び第6条の条件を満たすデータです。",
            "The exchange handles data that do not concern individuals, statistics in which no individual can be made out any "
            "more, data that everyone may use free of charge (open data), and data that meet the conditions of Article 6.",
        ),
        Said(
            "運営者が提供するサービスは、掲載と検索、個別契約の締結、期限付きのリンクなどによる引渡し、引き渡した量の計量、請求と"
            "代金の受領、記録の保存、要望の掲示、表彰です。",
            "The operator's services are listing and search, conclusion of individual contracts, delivery by links with a time "
            "limit and similar means, metering of what was delivered, invoicing and receipt of payment, keeping of records, a "
            "board of wanted data, and recognition.",
        ),
        Said(
            "オープンデータは、登録も契約もなしに、データごとに示す公開の利用条件によって利用できます。",
            "Open data can be used without registration or contract, under the public terms shown with each.",
        ),
        Said(
            "運営者は、保守のためにサービスを止めるときは、急ぎの場合を除き、あらかじめ知らせます。",
            "Except in urgent cases the operator announces interruptions for maintenance beforehand.",
        ),
    ),
    _clause(
        4,
        (2,),
        BOTH,
        Said("参加の資格", "Who may take part"),
        Said(
            "参加者になれるのは、日本国内に所在する企業、地方公共団体、NPO・公益法人、大学・研究機関で、運営者が法人番号などによって"
            "組織を確認したものです。運営者は、確認できないときや、この規約を守ることが見込めないときは、理由を示して参加を断ります。",
            "Participants are companies, local governments, non-profit organizations, universities and research institutes "
            "located in Japan that the operator has verified by corporate number and similar means. Where that is not possible, "
            "or an organization cannot be expected to keep these terms, the operator declines with reasons.",
        ),
        Said(
            "参加は、組織の責任者が組織のためにこの規約に同意し、運営者が組織を確認したときに始まります。運営者は、同意した版、"
            "日時、同意した人、接続元を記録します。",
            "Participation begins when an owner of the organization has accepted these terms for it and the operator has "
            "verified the organization. The operator records which version was accepted, when, by whom and from where.",
        ),
        Said(
            "参加者は、登録した情報が正確であることを約束し、変わったときは速やかに改めます。",
            "Participants promise that what they registered is accurate, and correct it promptly when it changes.",
        ),
        Said(
            "参加者は、自ら及び役員が暴力団その他の反社会的勢力にあたらず、関係も持たないことを表明し、将来にわたって約束します。",
            "Participants represent that neither they nor their officers belong to or have ties with organized crime or other "
            "antisocial forces, and promise that this will remain so.",
        ),
        Said(
            "参加の資格は、運営者の承諾なしに、譲り渡し、貸し、又は担保にすることができません。合併などによって引き継ぐときは、"
            "速やかに届け出ます。",
            "Participation cannot be transferred, lent or pledged without the operator's consent. Succession by merger and the "
            "like is notified promptly.",
        ),
    ),
    _clause(
        5,
        (2, 8),
        BOTH,
        Said("メンバーと契約権者", "Members and those who bind"),
        Said(
            "個別契約の申込みと承諾は、組織を代表して契約できる人（契約権者）として登録されたメンバーが行います。参加者は、"
            "メンバーが本市場で行ったことに責任を負います。",
            "Applications and acceptances are made by members registered as authorized to bind the organization. Participants "
            "answer for what their members do on the exchange.",
        ),
        Said(
            "参加者は、メンバーのパスワード、二段階認証の端末、APIトークンを適切に管理し、他人に使われたおそれがあるときは、"
            "直ちに無効にして運営者に知らせます。",
            "Participants look after their members' passwords, second factor devices and API tokens; where somebody else may "
            "have used one, they revoke it at once and tell the operator.",
        ),
    ),
)
PROVIDER = (
    _clause(
        6,
        (1, 4),
        ("provider",),
        Said("個人に関するデータの区分", "Classes of data about individuals"),
        Said(
            "提供者は、次のデータを掲載せず、引き渡しません。①個人データ（個人情報の保護に関する法律（以下この条で「法」）"
            "第27条第1項）②要配慮個人情報（法第2条第3項、第20条第2項、第27条第2項）③仮名加工情報（法第41条第6項、第42条第1項）"
            "④特定個人情報（行政手続における特定の個人を識別するための番号の利用等に関する法律第19条）⑤調査票情報（統計法第2条"
            "第11項、第40条）⑥住民基本台帳、戸籍及び地方税についての個別の情報（住民基本台帳法、戸籍法、地方税法第22条）",
            "Providers neither list nor deliver: (1) personal data (Article 27(1) of the Act on the Protection of Personal "
            "Information, “the Act” in this article); (2) special care-required personal information (Articles 2(3), 20(2), "
            "27(2)); (3) pseudonymously processed information (Articles 41(6), 42(1)); (4) specific personal information with "
            "Individual Numbers (Article 19 of the My Number Act); (5) questionnaire information (Articles 2(11), 40 of the "
            "Statistics Act); (6) individual records of residents, families and local taxes (Basic Resident Registration Act, "
            "Family Register Act, Article 22 of the Local Tax Act).",
        ),
        Said(
            "地方公共団体が持つ行政機関等匿名加工情報は、法第109条から第123条までに定める募集、提案、審査、契約の手続によってのみ"
            "提供できるものであり、通常の掲載はできません。",
            "Anonymously processed information of administrative entities held by a local government can be provided only by "
            "the solicitation, proposal, screening and contract of Articles 109 to 123 of the Act, and not by a listing.",
        ),
        Said(
            "匿名加工情報（法第2条第6項、第43条、第44条）と個人関連情報（法第2条第7項、第31条第1項）は、加工の方法、公表、提供先の"
            "確認など、法が求めることを本市場の手続で確かめられたときに限り、公開できます。手続が整っていない区分は、下書きの保存に"
            "とどまります。",
            "Anonymously processed information (Articles 2(6), 43, 44 of the Act) and person-related information (Articles 2(7), "
            "31(1)) are published only once what the Act asks for (processing, publication, checks on recipients) has been "
            "confirmed in the exchange's procedure. Classes without a procedure stay drafts.",
        ),
        Said(
            "提供者は、データの区分を事実に基づいて申告し、自動検査が個人情報の疑いを示したときは、根拠を挙げて回答します。ほかの"
            "データと組み合わせると個人が識別されるおそれにも注意します。",
            "Providers declare the class of their data truthfully and answer with reasons where automatic checks suspect "
            "personal information. They also consider whether individuals could be identified by combination with other data.",
        ),
        Said(
            "掲載してはならないデータを提供したことに気付いた提供者は、直ちに回収の手続をとり、運営者に知らせます。運営者は、新しい"
            "リンクの発行を止め、受け取った利用者を提供者に知らせます。",
            "A provider who notices that it provided data it should not have provided recalls them at once and tells the "
            "operator. The operator stops issuing links and tells the provider who received the data.",
        ),
    ),
    _clause(
        7,
        (3,),
        ("provider",),
        Said("提供データの許諾の範囲", "Scope of permission for data provided"),
        Said(
            "提供データについての権利は、提供者又は正当な権利者に残ります。運営者に移ることはありません。",
            "Rights in the data stay with the provider or whoever rightfully holds them; none pass to the operator.",
        ),
        Said(
            "提供者は、運営者に対し、サービスに必要な範囲（保存、複製、形式の変換、見せると決めた見本の表示、引渡し）に限り、"
            "提供データを無償で取り扱うことを認めます。",
            "The provider permits the operator, free of charge, to handle the data as far as the services require: storing, "
            "copying, converting formats, showing samples the provider released, and delivering.",
        ),
        Said(
            "利用者に認める目的、行為、期間、地域、第三者への提供、人工知能の学習への利用は、個別契約で定めます。個別契約に定めのない"
            "利用を、提供者が認めたものとは扱いません。",
            "Purpose, acts, term, territory, supply to others and training of artificial intelligence are settled in the "
            "individual contract. A use it does not mention is not taken as permitted.",
        ),
        Said(
            "本市場の引渡しは、契約した利用者だけがアクセスできる方法によります。提供者は、提供データを限定提供データ（不正競争防止法"
            "第2条第7項）として扱うときは、同じデータをほかで無償で公開しないなど、保護の条件を自ら確かめます。",
            "Delivery lets only the contracting user in. A provider who treats its data as shared data with limited access "
            "(Article 2(7) of the Unfair Competition Prevention Act) itself sees to the conditions of that protection, such as "
            "not making the same data public elsewhere.",
        ),
        Said(
            "オープンデータとして掲載するデータには、価格、登録、サインインの条件を付けません。",
            "Data listed as open data carry no price and no condition of registration or sign-in.",
        ),
    ),
    _clause(
        8,
        (4,),
        ("provider",),
        Said("提供データについての責任", "Responsibility for data provided"),
        Said(
            "提供者は、掲載のたびに、次のことを確かめ、表明します。①提供データを提供する正当な権限を持っていること。②提供データが、"
            "第三者の知的財産権、営業秘密、プライバシーその他の権利を侵害しないこと。③申告したデータの区分、出典、対象の期間、更新の"
            "頻度が事実に合うこと。④外国為替及び外国貿易法第25条の許可が必要な技術にあたらないこと、又は必要な許可を得ていること。",
            "With each listing the provider checks and represents that: (1) it is entitled to provide the data; (2) the data "
            "do not infringe intellectual property, trade secrets, privacy or other rights of third parties; (3) the declared "
            "class, source, period and update frequency are true; (4) the data are not technology that needs a permit under "
            "Article 25 of the Foreign Exchange and Foreign Trade Act, or the permit has been obtained.",
        ),
        Said(
            "提供データの正確性、完全性、特定の目的に合うことを保証するかどうかは、個別契約で定めます。定めのないものは保証されません。",
            "Whether accuracy, completeness or fitness for a purpose is warranted is settled in the individual contract. What "
            "it does not mention is not warranted.",
        ),
        Said(
            "提供者は、知りながら告げなかった事実については、保証しない旨の定めがあっても責任を免れません（民法第559条、第572条）。",
            "For facts it knew and did not disclose, a provider remains liable even where a warranty is excluded (Articles 559, "
            "572 of the Civil Code).",
        ),
    ),
    _clause(
        9,
        (8,),
        ("provider",),
        Said("提供者の義務", "Duties of providers"),
        Said(
            "提供者は、個別契約で定めたデータを、定めた時期に提供します。公開した版のファイルは差し替えず、訂正は新しい版として提供します。",
            "Providers deliver the contracted data when agreed. Files of a published release are not replaced; corrections are "
            "new releases.",
        ),
        Said(
            "提供者は、申込みや取引を通じて知った利用者の情報を、個別契約の締結と履行のためだけに使います。",
            "Providers use what they learn about users through applications and deals only to conclude and perform individual "
            "contracts.",
        ),
        Said(
            "掲載を終えても、効力のある個別契約に基づく利用者の権利は、その契約の終わりまで続きます。",
            "Ending a listing does not end users' rights under running individual contracts.",
        ),
    ),
    _clause(
        10,
        (),
        ("provider",),
        Said("価格、手数料、請求書", "Prices, fee and invoices"),
        Said(
            "価格は提供者が決めます。運営者は価格を勧めず、ほかの市場での価格や条件に制限を付けません。",
            "Providers set their prices. The operator recommends none and sets no limit on prices or conditions elsewhere.",
        ),
        Said(
            "手数料は、提供者だけが負担します。その額は、消費税を除く代金に運営者が公示する率を乗じた額（1円未満切捨て、消費税を含む）とし、"
            "代金を受け取ったときに、受け取った割合に応じて生じます。無料の提供には、手数料はかかりません。",
            "The fee is borne by providers alone. It is the price without tax multiplied by the rate the operator publishes, "
            "rounded down to whole yen and including consumption tax; it arises as the payment is received, in proportion. Data "
            "provided free of charge carry no fee.",
        ),
        Said(
            "この版の施行の時の率は、企業、NPO・公益法人、大学・研究機関が10パーセント、地方公共団体が0パーセントです。率を上げるときは、"
            "第26条の手続によります。",
            "When this version takes effect the rate is 10 percent for companies, non-profit organizations, universities and "
            "research institutes, and 0 percent for local governments. To raise it the operator follows Article 26.",
        ),
        Said(
            "利用者への請求書は、提供者の名称で、運営者が代わって交付します。提供者の登録番号が有効なときは適格請求書（消費税法第57条の4）"
            "として交付し、有効でないときは適格請求書と紛らわしい記載をしません。提供者は、登録が変わったときは直ちに知らせます。",
            "Invoices to users are issued by the operator on the provider's behalf and in its name: as qualified invoices "
            "(Article 57-4 of the Consumption Tax Act) where its registration number is valid, and otherwise without anything "
            "that could be taken for one. Providers tell at once when their registration changes.",
        ),
    ),
)
BUYER = (
    _clause(
        11,
        (3,),
        ("buyer",),
        Said("利用データの許諾の範囲", "Scope of permission for data used"),
        Said(
            "利用者は、個別契約で定めた目的、行為、期間、地域の中でデータを利用します。個別契約に定めのない第三者への提供と、人工知能の"
            "学習への利用はできません。",
            "Users use data for the purpose, by the acts, for the term and in the territory of the individual contract. Passing "
            "data on and training artificial intelligence are not permitted unless it says so.",
        ),
        Said(
            "個別契約に定めのある場合を除き、データについての権利は利用者に移りません。",
            "Unless the individual contract says otherwise, rights in the data do not pass to the user.",
        ),
        Said(
            "引渡しのためのリンク、受取り用の設定ファイル、APIトークンは、契約した利用者だけが使い、第三者に渡しません。",
            "Delivery links, profile files and API tokens are used by the contracting user alone and not handed to others.",
        ),
        Said(
            "データの正確性、完全性、目的への適合を提供者が保証するかどうかは、個別契約で定めます。利用者は、公開された説明、品質の検査の"
            "結果、見本を確かめたうえで申し込みます。",
            "Whether the provider warrants accuracy, completeness or fitness is settled in the individual contract. Users apply "
            "having looked at the published description, quality checks and samples.",
        ),
    ),
    _clause(
        12,
        (8,),
        ("buyer",),
        Said("利用者の義務", "Duties of users"),
        Said(
            "利用者は、次のことをしません。①データから特定の個人を識別しようとすること。ほかの情報と照合することを含みます（個人情報の保護に"
            "関する法律第45条）。②法令又は公序良俗に反する目的で利用すること。③引渡しや計量の仕組みを避け、妨げ、又は改変すること。"
            "④本市場に過度の負荷をかけること。⑤外国為替及び外国貿易法の定めに反してデータを国外に持ち出すこと。",
            "Users do not: (1) try to identify individuals from data, including by matching them with other information (Article "
            "45 of the Act on the Protection of Personal Information); (2) use data for purposes against law or public order; "
            "(3) evade, hinder or alter delivery or metering; (4) burden the exchange excessively; (5) take data abroad against "
            "the Foreign Exchange and Foreign Trade Act.",
        ),
        Said(
            "利用者は、受け取ったデータを、個別契約で定めた水準の安全管理のもとに置きます。",
            "Users keep data received under the security measures that the individual contract sets.",
        ),
        Said(
            "利用者は、データの誤りや、個人が識別されるおそれに気付いたとき、その部分の利用を止め、提供者と運営者に知らせます。",
            "A user who notices an error in data, or a risk that individuals can be identified, stops using that part and tells "
            "the provider and the operator.",
        ),
        Said(
            "提供者がデータを回収したとき、利用者は、知らせを受けて直ちに利用を止め、求めに応じて削除し、その結果を知らせます。",
            "When a provider recalls data, users stop using them as soon as they are told, delete them on request, and report "
            "that they did.",
        ),
    ),
    _clause(
        13,
        (),
        ("buyer",),
        Said("代金の支払い", "Payment"),
        Said(
            "利用者は、個別契約で定めた代金に消費税を加えた額を、請求書に示す期限までに、請求書に示す方法で支払います。利用者が運営者に"
            "手数料を支払うことはありません。",
            "Users pay the price of the individual contract with consumption tax by the date and in the way shown on the "
            "invoice. Users pay no fee to the operator.",
        ),
        Said(
            "利用者は、量、回数、金額の月ごとの上限を自ら設けることができます。上限に達したとき、引渡しは止まります。",
            "Users may set monthly limits of volume, number and amount for themselves. Delivery stops when one is reached.",
        ),
        Said(
            "支払いの期限を過ぎ、運営者が示す猶予の期間も過ぎたときは、支払いがあるまで引渡しを止めます。",
            "If payment is missing after the due date and the period of grace the operator states, delivery stops until it is "
            "made.",
        ),
        Said(
            "請求の内容に異議があるときは、請求書を受け取った日から30日以内に申し出ます。運営者は計量記録を示して確かめ、誤りがあれば"
            "返還の請求書によって正します。この期間が過ぎても、誤りを正す権利は失われません。",
            "Objections to an invoice are raised within 30 days of receiving it. The operator checks them against the metering "
            "records and corrects errors by a credit note. The right to have an error corrected does not end with this period.",
        ),
    ),
)
MONEY_AND_RECORDS = (
    _clause(
        14,
        (),
        BOTH,
        Said("弁済受領の権限と預り金", "Authority to receive payment; deposits held"),
        Said(
            "提供者は、運営者に、個別契約の代金（消費税を含む）の弁済を提供者に代わって受ける権限を与えます。運営者は、民法第478条にいう"
            "受領権者です。利用者が運営者に支払った時に、利用者の提供者に対する代金の支払義務は消えます。",
            "The provider authorizes the operator to receive payment under individual contracts, consumption tax included, on "
            "its behalf; the operator is a person with authority to receive in the sense of Article 478 of the Civil Code. When "
            "the user pays the operator, the user's debt to the provider ends.",
        ),
        Said(
            "運営者が受け取った代金は、提供者に引き渡すまでの預り金であり、運営者の収益ではありません。運営者の収益は手数料だけです。",
            "Money received is a deposit held until it is handed to the provider, and not the operator's revenue. Only the fee is.",
        ),
        Said(
            "運営者は、預り金を自らの資金と分けて管理し、ほかの支払いに充てません。預り金に利息は付かず、参加者が残高として貯め、又は別の"
            "取引の支払いに使うことはできません。",
            "The operator keeps deposits apart from its own funds and uses them for nothing else. They bear no interest, and "
            "participants can neither save them up as a balance nor pay for other deals with them.",
        ),
        Said(
            "運営者は、受領の日から30日以内に、手数料を差し引いた額を提供者の口座に振り込みます。引渡しの前に運営者に事故があっても、"
            "利用者が二重に支払う責任を負うことはありません。",
            "Within 30 days of receipt the operator transfers the amount, less its fee, to the provider's account. Whatever "
            "happens to the operator before that, users need not pay twice.",
        ),
        Said(
            "代金の受領は、資金決済に関する法律の為替取引にあたらないよう、日本国内に所在する当事者の間の取引に限ります。",
            "So as not to be fund transfer under the Payment Services Act, payments are received only in deals between parties "
            "in Japan.",
        ),
        Said(
            "地方公共団体の歳入となる代金は、運営者が指定公金事務取扱者（地方自治法第243条の2）である場合を除き、運営者は受け取りません。"
            "提供者である地方公共団体が納入の通知（同法第231条）をし、利用者が直接支払います。",
            "Revenue of a local government is not received by the operator unless it is a designated agent for public money "
            "(Article 243-2 of the Local Autonomy Act). The local government sends its notice of payment (Article 231) and the "
            "user pays it directly.",
        ),
    ),
    _clause(
        15,
        (),
        BOTH,
        Said("計量記録", "Metering as evidence"),
        Said(
            "従量の代金の基になる量は、保管庫のアクセスの記録から本市場が自動で計量した、実際に引き渡した量です。リンクの発行、使われずに"
            "期限が切れたリンク、誤りの応答は、量に数えません。",
            "The volume behind a metered price is what was really delivered, metered automatically from the access log of the "
            "store. Issuing links, links that expired unused, and error responses count for nothing.",
        ),
        Said(
            "途中で切れた引渡しは、届いた部分だけを数えます。同じ部分を繰り返し受け取ったときの数え方は、個別契約で定めます。",
            "A delivery that broke off counts for the part that arrived. How repeated delivery of the same part counts is "
            "settled in the individual contract.",
        ),
        Said(
            "計量記録は、改変を検知できる形で保存し、提供者と利用者は、自らの取引について同じ記録をいつでも見て、取り出すことができます。",
            "Metering records are kept so that alteration shows, and provider and user can look at and export the same records "
            "of their own deals at any time.",
        ),
        Said(
            "提供者、利用者、運営者は、計量記録を、引渡しの事実と量についての証拠とします。記録が事実と異なることを示す資料があるときは、"
            "それによって正します。",
            "Provider, user and operator take the metering records as evidence of delivery and volume. Where there is material "
            "to show that they are wrong, they are corrected accordingly.",
        ),
        Said(
            "記録が欠けて量を確かめられないとき、運営者は推計によって請求しません。",
            "Where records are missing and a volume cannot be established, the operator does not bill an estimate.",
        ),
    ),
    _clause(
        16,
        (5,),
        BOTH,
        Said("派生データなど成果物の権利", "Derived data and other results"),
        Said(
            "利用者がデータから作った派生データと成果物について、権利が誰のものとなるか、誰がどの範囲で利用できるかは、個別契約で必ず選んで"
            "定めます。",
            "To whom the rights in data and results derived by a user belong, and who may use them how far, must be chosen in "
            "the individual contract.",
        ),
        Said(
            "運営者は、派生データと成果物について権利を主張しません。",
            "The operator claims no rights in derived data or results.",
        ),
        Said(
            "運営者は、取引の件数や量など、提供者、利用者、データの中身を特定できない統計を作り、公表することができます。",
            "The operator may compile and publish statistics, such as numbers and volumes of deals, that identify neither "
            "provider, user nor content.",
        ),
    ),
    _clause(
        17,
        (6,),
        BOTH,
        Said("記録と監査", "Records and audit"),
        Said(
            "運営者は、掲載、契約、引渡し、代金の記録を改変を検知できる形で、法令で定める期間（電子帳簿保存法第7条の電子取引の記録は7年以上）"
            "保存し、参加者に自らの取引の記録をいつでも見せます。提供者は、自らのデータが誰にいつ引き渡されたかを見ることができます。",
            "The operator keeps records of listings, contracts, deliveries and payments so that alteration shows, for the "
            "periods the law prescribes (records of electronic transactions under Article 7 of the Electronic Books Act: at "
            "least 7 years), and shows each participant those of its own deals at any time. Providers can see to whom and when "
            "their data were delivered.",
        ),
        Said(
            "運営者は、法令又はこの規約への違反が疑われるとき、参加者に説明と資料を求めることができます。参加者は、合理的な範囲で応じます。",
            "Where a breach of law or of these terms is suspected, the operator may ask a participant for explanations and "
            "material; the participant complies within reason.",
        ),
        Said(
            "提供者が利用者の利用の状況を報告させ、又は監査することができるかどうかと、その方法は、個別契約で定めます。",
            "Whether and how a provider may have use reported or audited is settled in the individual contract.",
        ),
    ),
    _clause(
        18,
        (6,),
        BOTH,
        Said("苦情の処理", "Complaints"),
        Said(
            "苦情と申出は、お問い合わせ・苦情の窓口（/contact）で、登録のない人からも受け付けます。処理は、受付、調査、回答、終了の順に進み、"
            "運営者は、その状態と日時を記録します。",
            "Complaints are received at Contact and complaints (/contact), from people without an account too. They go from "
            "received to investigating, answered and closed; the operator records each step with its time.",
        ),
        Said(
            "運営者は、受け付けたときに直ちに受付番号を知らせ、3営業日以内に調査を始め、受け付けた日から14日以内に回答します。14日以内に"
            "回答できないときは、その期間のうちに、途中の経過と回答の見込みの日を知らせます。",
            "The operator gives a reference number at once, begins to investigate within three business days and answers within "
            "14 days of receipt. Where that is not possible it reports, within the same time, how far it has come and when the "
            "answer can be expected.",
        ),
        Said(
            "回答から14日が過ぎても異議がないとき、又は申し出た人が納得したときに、処理を終えます。回答に異議があるときは、はじめの回答に"
            "関わらなかった担当者が改めて調べ、14日以内に回答します。",
            "A complaint is closed when 14 days have passed after the answer without objection, or the complainant is content. "
            "An objection is looked into by someone who had no part in the first answer, and answered within 14 days.",
        ),
        Said(
            "権利の侵害や個人情報についての申出に相当の理由があるとき、運営者は、調査が終わるまで、その掲載と引渡しを止めることができます。",
            "Where a complaint about infringement or personal information has good grounds, the operator may stop the listing "
            "and delivery until the investigation ends.",
        ),
        Said(
            "参加者は、事実の確認に協力します。苦情を申し出たことを理由に、相手を不利に扱いません。",
            "Participants help to establish the facts, and treat nobody worse for having complained.",
        ),
    ),
    _clause(
        19,
        (6,),
        BOTH,
        Said("提供者と利用者の紛争", "Disputes between provider and user"),
        Said(
            "提供者と利用者の紛争は、まず両者が誠実に話し合い、個別契約に定める方法で解決します。",
            "Providers and users first talk in good faith, then settle a dispute in the way of the individual contract.",
        ),
        Said(
            "運営者は、求めがあるときは、契約、引渡し、計量の記録を両者に等しく示します。運営者は、どちらの代理もせず、紛争について"
            "判定しません。",
            "On request the operator presents the records of contract, delivery and metering to both alike. It represents "
            "neither and decides no dispute.",
        ),
    ),
    _clause(
        20,
        (8,),
        BOTH,
        Said("漏えいなどの事故", "Leaks and other incidents"),
        Said(
            "データの漏えい、滅失、目的外の利用などの事故を知った参加者は、個別契約に定める時間のうちに、定めのないときは72時間以内に、"
            "相手方と運営者に知らせ、広がりを防ぎ、原因を調べて報告します。",
            "A participant who learns of a leak, loss, misuse or other incident tells the other party and the operator within "
            "the time the individual contract sets, or else within 72 hours, keeps it from spreading, and reports the cause.",
        ),
        Said(
            "事故の対応の費用と損害の負担は個別契約によります。提供者は、事故を起こした利用者に直接請求することができ、運営者は、両者に"
            "記録を示して助けます。",
            "Costs and damages are borne as the individual contract says. The provider may claim directly from the user who "
            "caused the incident; the operator helps both with its records.",
        ),
        Said(
            "運営者は、本市場で事故が起きたときは、速やかに関係する参加者に知らせ、広がりを防ぎ、法令に従って報告します（個人情報の保護に"
            "関する法律第26条）。",
            "When an incident happens at the exchange, the operator promptly tells the participants concerned, keeps it from "
            "spreading, and reports as the law requires (Article 26 of the Act on the Protection of Personal Information).",
        ),
    ),
)
ORDER = (
    _clause(
        21,
        (7,),
        BOTH,
        Said("運営者の義務と責任の限度", "The operator's duties and limited liability"),
        Said(
            "運営者は、善良な管理者の注意をもって本市場を運営し、データの漏えい、滅失、毀損を防ぐ安全管理措置をとり、引渡しの仕組みと記録の"
            "正確さを保ちます。",
            "The operator runs the exchange with the care of a good manager, takes security measures against leakage, loss and "
            "damage of data, and keeps delivery and records accurate.",
        ),
        Said(
            "運営者は、データの正確性と価値、提供の継続、個別契約の履行、利用者の支払い、利用による成果を保証しません。",
            "The operator guarantees neither accuracy nor value of data, continued provision, performance of individual "
            "contracts, payment by users, nor results of use.",
        ),
        Said(
            "運営者がこの規約について損害賠償の責任を負うときの額は、損害が生じた月の前12か月に、その参加者の取引から受け取った手数料の"
            "総額（10万円に満たないときは10万円）を限度とします。運営者の故意又は重大な過失による損害と、預り金を引き渡す義務には、この"
            "限度を適用しません。",
            "Damages the operator owes under these terms are limited to the fees received from that participant's deals in the "
            "12 months before the month of the damage (100,000 yen if less). This limit does not apply to intent or gross "
            "negligence, or to the duty to hand over deposits.",
        ),
    ),
    _clause(
        22,
        (8,),
        BOTH,
        Said("参加者の責任の限度", "Limited liability of participants"),
        Said(
            "参加者が運営者に対して損害賠償の責任を負うときの額は、前条第3項と同じ額を限度とします。",
            "Damages a participant owes the operator have the same limit as in Article 21, paragraph 3.",
        ),
        Said(
            "次のものには、この限度を適用しません。①故意又は重大な過失による損害 ②提供者が第6条第1項のデータを掲載したことによる損害 "
            "③提供者による第三者の権利の侵害 ④利用者の代金の支払い ⑤利用者が第12条第1項に反したことによる損害",
            "This limit does not apply to: (1) intent or gross negligence; (2) a provider's listing of data named in Article 6, "
            "paragraph 1; (3) a provider's infringement of third parties' rights; (4) a user's payment of prices; (5) a user's "
            "breach of Article 12, paragraph 1.",
        ),
        Said(
            "提供者と利用者の間の責任の限度は、個別契約で定めます。",
            "Limits of liability between provider and user are settled in the individual contract.",
        ),
    ),
    _clause(
        23,
        (9,),
        BOTH,
        Said("違反があったときの措置", "Measures in case of breach"),
        Said(
            "参加者がこの規約又は法令に違反したとき、運営者は、違反の程度に応じて、次の段階の措置をとることができます。①警告 ②公開停止"
            "（提供者の掲載、又は利用者への引渡しを止めること）③取引停止（新しい掲載と新しい取引を止めること）④資格取消",
            "If a participant breaches these terms or the law, the operator may, according to gravity, take measures in these "
            "steps: (1) warning; (2) suspension of a provider's listings, or of delivery to a user; (3) suspension of new "
            "listings and new deals; (4) revocation of participation.",
        ),
        Said(
            "措置は軽いものから順にとります。違反が重大であるとき、又は警告を受けても改まらないときに限り、次の段階に進むことができます。",
            "Measures begin with the mildest. The operator may go on to a further step only where the breach is grave or a "
            "warning brought no change.",
        ),
        Said(
            "運営者は、警告を除く措置の前に、理由、根拠となる条、とろうとする措置を書面又は電子メールで知らせ、14日以上の期間を定めて弁明の"
            "機会を与えます。",
            "Before any measure but a warning the operator gives notice in writing or by e-mail of its reasons, the article it "
            "rests on and the measure intended, and an opportunity to be heard within a period of at least 14 days.",
        ),
        Said(
            "急いで被害を防ぐ必要があるときは、先に公開停止又は取引停止をすることができます。このとき運営者は、直ちに理由を知らせて弁明の機会を"
            "与え、弁明を受けた日から14日以内に、続けるかどうかを決めて知らせます。",
            "Where harm must be prevented urgently, the operator may first suspend listings, delivery or new deals. It then "
            "gives its reasons and an opportunity to be heard at once, and within 14 days of hearing the participant decides "
            "whether the measure goes on.",
        ),
        Said(
            "参加者は、措置の知らせを受けた日から30日以内に、不服を申し立てることができます。運営者は、はじめの判断に関わらなかった担当者に"
            "審査させ、結果を理由とともに知らせます。措置の理由がなくなったときは、速やかに解きます。",
            "A participant may object within 30 days of being told of a measure. Someone with no part in the first decision "
            "reviews the objection, and the result is given with reasons. A measure whose reason is gone is lifted promptly.",
        ),
        Said(
            "取引停止の間も、効力のある個別契約は続きます。資格取消のときの個別契約の扱いは、その契約の解除の定めによります。",
            "Running individual contracts go on while new deals are suspended. After revocation their own provisions on "
            "termination apply.",
        ),
    ),
    _clause(
        24,
        (10,),
        BOTH,
        Said("脱退", "Leaving"),
        Said(
            "参加者は、いつでも脱退を申し出ることができます。脱退は、①申出 ②掲載の取下げ ③効力のある個別契約の終了と代金の精算 ④保存データの"
            "削除 ⑤完了、の順に進みます。申出の後は、新しい掲載と新しい取引はできません。",
            "A participant may ask to leave at any time. Leaving proceeds by (1) request, (2) withdrawal of listings, (3) end of "
            "running individual contracts and settlement of payments, (4) deletion of stored data, (5) completion. After the "
            "request there are no new listings or deals.",
        ),
        Said(
            "掲載を取り下げても、効力のある個別契約に基づく引渡しは、その契約の終わりまで続けます。",
            "Withdrawal of listings does not end delivery under running individual contracts before these end.",
        ),
        Said(
            "運営者は、提供者のすべての個別契約が終わった日から90日以内に、保存している提供データを削除し、知らせます。契約、引渡し、計量、"
            "代金の記録は、法令で定める期間が過ぎるまで保存します。",
            "Within 90 days of the end of a provider's last individual contract the operator deletes the stored data and says "
            "so. Records of contracts, deliveries, metering and payments are kept for the periods the law prescribes.",
        ),
        Said(
            "すでに引き渡したデータと成果物の利用、返還、消去は、個別契約によります。この規約のうち、責任、記録、紛争、裁判所についての定めは、"
            "脱退の後も続きます。",
            "Use, return and deletion of data already delivered, and of results, are governed by the individual contract. What "
            "these terms say of liability, records, disputes and courts survives.",
        ),
    ),
    _clause(
        25,
        (10,),
        BOTH,
        Said("本市場の終了", "End of the exchange"),
        Said(
            "運営者が本市場を終えるときは、6か月前までに知らせ、保存データの返還又は削除、預り金の精算、計量記録の引渡しを行います。",
            "If the operator ends the exchange, it gives six months' notice, returns or deletes stored data, settles deposits, "
            "and hands over metering records.",
        ),
        Said(
            "効力のある個別契約は、本市場が終わることだけを理由に終わりません。運営者は、提供者と利用者が直接に引渡しと支払いを続けられる"
            "よう、必要な記録を両者に渡します。",
            "Running individual contracts do not end for that reason alone. The operator gives both parties the records they "
            "need to go on delivering and paying directly.",
        ),
    ),
    _clause(
        26,
        (),
        BOTH,
        Said("規約の変更", "Changes of these terms"),
        Said(
            "運営者は、民法第548条の4第1項に従い、変更が参加者の一般の利益に適合するとき、又は、契約をした目的に反せず、変更の必要性と内容の"
            "相当性などに照らして合理的であるときに、この規約を変更することができます。",
            "The operator may change these terms under Article 548-4(1) of the Civil Code where the change suits the general "
            "interest of participants, or does not run counter to the purpose of the contract and is reasonable in view of its "
            "necessity, its content and the other circumstances.",
        ),
        Said(
            "変更するときは、効力を生じる日の30日前までに、変更すること、変更後の内容、効力を生じる日を、本市場での掲示と電子メールで"
            "知らせます（同条第2項、第3項）。",
            "At least 30 days before a change takes effect the operator announces, on the exchange and by e-mail, that there is "
            "a change, what the terms will say, and from when (paragraphs 2 and 3 of that article).",
        ),
        Said(
            "新しい版には、組織の責任者に改めて同意を求めます。同意があるまで、新しい掲載と新しい取引はできません。成立している個別契約と、"
            "それに基づく引渡しと支払いは、これまでどおり続きます。",
            "An owner of each organization is asked to accept a new version. Until one has, the organization can make no new "
            "listings and no new deals. Individual contracts already concluded, and delivery and payment under them, go on as "
            "before.",
        ),
        Said(
            "変更に同意しない参加者は、第24条によって脱退することができます。過去の版は、いつでも読めるように公開します。",
            "A participant who does not accept a change may leave under Article 24. Earlier versions stay published.",
        ),
    ),
    _clause(
        27,
        (),
        BOTH,
        Said("準拠法、裁判所、言語", "Governing law, courts and language"),
        Said(
            "この規約は日本法に従います。この規約についての訴訟は、運営者の主たる事務所の所在地を管轄する地方裁判所を、第一審の専属的合意管轄"
            "裁判所とします。参加者が地方公共団体であるときは、その所在地を管轄する地方裁判所とします。",
            "These terms are governed by the law of Japan. The district court at the operator's principal office has exclusive "
            "jurisdiction in the first instance; where the participant is a local government, the district court at its seat.",
        ),
        Said(
            "この規約は日本語を正文とし、英語は参考の翻訳です。",
            "The Japanese text is binding; English is a courtesy translation.",
        ),
    ),
    _clause(
        28,
        (),
        BOTH,
        Said("施行と経過", "Entry into force"),
        Said(
            "この規約（第2版）は、2026年11月25日に施行し、データ提供者規約とデータ利用者規約の第1版に代わります。",
            "These terms (version 2) take effect on 25 November 2026 and replace version 1 of the Terms for Data Providers and "
            "the Terms for Data Users.",
        ),
        Said(
            "第1版に同意した参加者には、改めて同意した時からこの版を適用し、それまでは第1版を適用します。",
            "To participants who accepted version 1 this version applies from the moment they accept it; until then version 1 "
            "applies.",
        ),
    ),
)
TEMPLATE = Template(
    key="platform-participation",
    version="2",
    dated=date(2026, 11, 25),
    kind="participation",
    name=Said("データ共用型（プラットフォーム型）参加規約", "Data sharing platform: terms of participation"),
    about=Said(
        "本市場に参加する提供者と利用者が、運営者と約束することです。組織の登録のときに同意し、変わったときは改めて同意します。",
        "What providers and users who take part promise the operator, and it promises them. Accepted when an organization "
        "signs up, and anew when it changes.",
    ),
    source=GUIDELINE,
    clauses=(*GENERAL, *PROVIDER, *BUYER, *MONEY_AND_RECORDS, *ORDER),
)
VERSIONS = (TEMPLATE,)  # from version 2 on; the last is in force

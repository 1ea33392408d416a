"""What each side asks itself before it agrees: the points of the guidelines' checklists, in our words.

The 2015 guideline has a list for each side in ten themes; their names are not confirmed and never printed as official.
Answers are yes, no or not applicable, with a note; they bind nobody and are shown to the administrators who decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contracts.guideline.parts import Said
from exchange.errors import Invalid, Words, text

NOTE_LENGTH_MAX = 400
ANSWERS = ("yes", "no", "na")


@dataclass(frozen=True)
class Question:
    """One point; `wants` is the answer that needs no second look."""

    key: str
    words: Said
    wants: Literal["yes", "no"] = "yes"


PROVIDER = (
    Question("right", Said("データを提供する権限がありますか（自ら取得、受託、許諾）。", "May you provide these data (your own, on commission, licensed)?")),
    Question("class", Said("個人に関する情報かどうか、データ区分を確かめましたか。", "Did you check the data class, that is, whether they concern persons?")),
    Question("third_parties", Said("第三者の著作権、秘密、秘密保持契約に触れませんか。", "Are they free of others' copyright, secrets and confidentiality agreements?")),
    Question("marking", Said("営業秘密や限定提供データに当たるものは、そのことを表示しましたか。", "Did you mark what is a trade secret or shared data with limited access?")),
    Question("export", Said("外国への技術の提供に許可が要るもの（外為法第25条）ではありませんか。", "Are they free of technology whose export needs permission (FEFTA, article 25)?")),
    Question("source", Said("出所と対象期間を記録していますか。", "Are their source and period on record?")),
    Question("spec", Said("形式と項目は安定していますか。", "Are format and columns stable?")),
    Question("price", Said("対価の根拠を説明できますか。", "Can you explain the ground of the price?")),
    Question("derived", Said("派生データを誰が使えるか、考えを決めましたか。", "Have you decided who may use derived data?")),
    Question("not_to", Said("渡してはならない相手（競合など）を確かめましたか。", "Did you consider who must not receive them (competitors, say)?")),
    Question("leak", Said("漏えいしたときの連絡先と手順がありますか。", "Is there a contact and a procedure for leaks?")),
    Question("deletion", Said("契約終了後の消去をどう確かめるか決めましたか。", "Have you decided how deletion after the end is verified?")),
)  # fmt: skip
BUYER = (
    Question("purpose", Said("利用目的は具体的ですか。", "Is the purpose concrete?")),
    Question("need", Said("必要な項目、量、期間を確かめましたか。", "Did you check which columns, how much and which period you need?")),
    Question("combine", Said("ほかのデータと組み合わせて個人を識別するおそれはありませんか。", "Is there no risk of identifying persons by combining them with other data?")),
    Question("ai", Said("AIの学習に使うかどうかを確かめましたか。", "Did you decide whether AI is trained on them?")),
    Question("pass_on", Said("委託先、グループ会社、国外に渡すかどうかを確かめましたか。", "Did you decide whether they go to contractors, affiliates or abroad?")),
    Question("quality", Said("誤りや欠けがあったときに困らないようにしてありますか。", "Are you prepared for errors and gaps?")),
    Question("derived", Said("派生データをどう使うか決めましたか。", "Have you decided what you do with derived data?")),
    Question("staff", Said("データに触れる人の範囲を決めましたか。", "Have you decided who gets to see them?")),
    Question("security", Said("契約が求める管理の水準を満たせますか。", "Can you meet the level of security that the contract asks for?")),
    Question("deletion", Said("契約終了後に消去できますか。", "Can you delete them after the end?")),
    Question("audit", Said("報告と監査に応じられますか。", "Can you report, and be audited?")),
)  # fmt: skip
QUESTIONS: dict[str, tuple[Question, ...]] = {"provider": PROVIDER, "buyer": BUYER}


def answers(side: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a side, as kept: `{key: {"answer": "yes" | "no" | "na", "note": "…"}}`.

    Points left out stay open. Raises `Invalid` that names every unknown point and every answer that is none.
    """
    errors: dict[str, list[Words]] = {}
    known, kept = {q.key for q in QUESTIONS[side]}, {}
    for key, value in given.items():
        entry = {"answer": value} if isinstance(value, str) else value
        if key not in known or not isinstance(entry, Mapping) or not set(entry) <= {"answer", "note"}:
            errors[f"checklist.{key}"] = [text("確認事項にない項目です。")]
            continue
        note = entry.get("note") or ""
        if entry.get("answer") not in ANSWERS:
            errors[f"checklist.{key}"] = [text("yes、no、na のいずれかで答えてください。")]
        elif not isinstance(note, str) or len(note) > NOTE_LENGTH_MAX:
            errors[f"checklist.{key}"] = [text("%(most)s 文字以内で入力してください。", most=NOTE_LENGTH_MAX)]
        else:
            kept[key] = {"answer": entry["answer"], "note": note.strip()}
    if errors:
        raise Invalid(errors)
    return kept


def to_look_at(side: str, given: Mapping[str, Any]) -> list[tuple[Question, str, str]]:
    """The points that are open or answered other than one would wish: question, answer or "", note."""
    found = []
    for question in QUESTIONS[side]:
        entry = given.get(question.key) or {}
        answer = entry.get("answer", "")
        if answer not in (question.wants, "na"):
            found.append((question, answer, entry.get("note", "")))
    return found

"""What is printed of a contract: its content, and beside it the evidence of who agreed when.

Content is what the SHA-256 covers. Evidence grows while the contract is accepted and approved, so it stands apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contracts.documents.content import Content
from contracts.documents.printable import printed
from exchange import clock

Rows = list[tuple[str, str]]
NONE = "―"
SEALED = (
    "この契約書のPDFは、取引市場の電子証明書で封印されています。"
    "本物であり変更されていないことは、取引市場の「契約書を確かめる」のページ（/verify）で、だれでも確かめられます。"
)


@dataclass(frozen=True)
class Assent:
    """One party's recorded acceptance."""

    side: str
    organization: str
    person: str
    account: str  # the address they sign in with
    at: datetime
    version: int
    remote: str | None
    approval_reference: str | None
    approved_on: date | None
    signatory: str | None


@dataclass(frozen=True)
class Signed:
    """A municipality's recorded signature: what lies where."""

    side: str
    kind: str
    reference: str
    signed_on: date
    signatory: str
    scan_sha256: str | None


@dataclass(frozen=True)
class Evidence:
    """Who agreed when, and what came of it."""

    sha256: str
    draft: bool
    assents: Sequence[Assent] = ()
    signatures: Sequence[Signed] = ()
    approved_at: Sequence[datetime] = ()
    activated_at: datetime | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    purchase_order: str | None = None


def sheet(said: Content, evidence: Evidence) -> dict[str, Any]:
    """Everything the printed contract shows, as text ready to be set."""
    template = said["template"]
    return {
        "title": f"データ提供契約書（{template['name']['ja']}）",
        "subtitle": f"{said['provider']['name']}　と　{said['buyer']['name']}",
        "draft": evidence.draft,
        "operator": said["operator"],
        "number": said["number"],
        "version": str(said["version"]),
        "sha256": evidence.sha256,
        "clauses": [
            {
                "heading": f"第{clause['article']}条（{clause['title']['ja']}）",
                "paragraphs": [p["ja"] for p in clause["paragraphs"]],
            }
            for clause in said["clauses"]
        ],
        "parties": parties(said),
        "data": data(said),
        "variables": [
            {"article": v["article"], "label": v["label"]["ja"], "shown": v["shown"]["ja"], "deviates": v["deviates"]}
            for v in said["variables"]
        ],
        "matrix": _matrix(said["matrix"]),
        "annexes": annexes(said),
        "evidence": records(evidence),
        "notes": [
            template["source"]["ja"],
            f"ひな型 {template['key']} {template['version']}（{template['dated']}）。",
            "英語訳は参考であり、日本語の本文が正文です。",
            *([] if evidence.draft else [SEALED]),
        ],
    }


FIRST_ANNEX = 3  # 別紙1 describes the data, 別紙2 lists the variables


def annexes(said: Content) -> list[dict[str, Any]]:
    """The sheets that are attached, numbered after the first two; a template's own have letters of their own."""
    found, number = [], FIRST_ANNEX
    for annex in said["annexes"]:
        title = annex["title"]["ja"]
        if not annex["own"]:
            title, number = f"別紙{number}　{title}", number + 1
        found.append({"title": title, "paragraphs": [p["ja"] for p in annex["paragraphs"]]})
    return found


def _matrix(matrix: Content | None) -> dict[str, Any] | None:
    if matrix is None:
        return None
    return {
        "title": matrix["title"]["ja"],
        "row": matrix["row"]["ja"],
        "columns": [column["ja"] for column in matrix["columns"]],
        "headings": [{"label": column["ja"]} for column in matrix["columns"]],
        "lines": [{"name": line["name"], "cells": [c["ja"] for c in line["cells"]]} for line in matrix["lines"]],
    }


def parties(said: Content) -> Rows:
    """Who they are, as checked by the exchange."""
    rows: Rows = []
    for label, party in (("甲（提供者）", said["provider"]), ("乙（利用者）", said["buyer"])):
        rows.append((label, party["name"]))
        rows.append(("法人番号", party["corporate_number"] or NONE))
        rows.append(("所在地", party["address"] or NONE))
        if party["representative"]:
            rows.append(("代表者", party["representative"]))
    return rows


def data(said: Content) -> Rows:
    """What is provided."""
    found = said["data"]
    period = (found["period_start"] or NONE) + " ～ " + (found["period_end"] or NONE)
    return [
        ("データの名称", found["title"]),
        ("概要", found["summary"] or NONE),
        ("出所", found["source"] or NONE),
        ("対象期間", period),
        ("掲載番号", found["listing_id"]),
        ("申込み時の版", f"第{found['release_number']}版" if found["release_number"] else NONE),
        ("利用目的", said["purpose"]),
        ("対価", said["price"]["ja"]),
        ("提供方法", "署名付きURLによるダウンロード、または Delta Sharing による読出し"),
    ]


def records(evidence: Evidence) -> Rows:
    """Assents, internal approvals (決裁), signatures of municipalities, the operator's approval, term."""
    rows: Rows = []
    for assent in evidence.assents:
        who = _who(assent.side)
        where = f"（送信元 {assent.remote}）" if assent.remote else ""
        person = f"{assent.organization}　{assent.person}（{assent.account}）"
        rows.append((f"{who}の承諾", printed(f"{person}　{moment(assent.at)}　第{assent.version}版{where}")))
        rows += _internal(assent, who)
    rows += [(f"{_who(signed.side)}の{SIGNED[signed.kind]}", _signature(signed)) for signed in evidence.signatures]
    rows += [("運営者の承認", moment(at)) for at in evidence.approved_at]
    if evidence.purchase_order:
        rows.append(("利用者の注文番号", evidence.purchase_order))
    if evidence.activated_at:
        rows.append(("契約の成立", moment(evidence.activated_at)))
    if evidence.starts_on:
        rows.append(("有効期間", f"{clock.words(evidence.starts_on)} から {_until(evidence.ends_on)}"))
    return rows


SIGNED = {"paper": "記名押印", "electronic": "電子署名"}


def _who(side: str) -> str:
    return "提供者" if side == "provider" else "利用者"


def _signature(signed: Signed) -> str:
    scan = f"写しのSHA-256 {signed.scan_sha256}" if signed.scan_sha256 else ""
    return printed("　".join(filter(None, (clock.words(signed.signed_on), signed.signatory, signed.reference, scan))))


def _internal(assent: Assent, who: str) -> Rows:
    """決裁 of a public body: number, date, 契約担当者. Printed even where empty as long as one of them is there."""
    if not (assent.approval_reference or assent.approved_on or assent.signatory):
        return []
    return [
        (f"{who}の決裁番号", assent.approval_reference or NONE),
        (f"{who}の決裁日", clock.words(assent.approved_on) if assent.approved_on else NONE),
        (f"{who}の契約担当者", assent.signatory or NONE),
    ]


def _until(ends_on: date | None) -> str:
    return f"{clock.words(ends_on)} まで" if ends_on else "第14条により終了するまで"


def moment(value: datetime) -> str:
    """A moment in Japan, to the second, for evidence."""
    local = value.astimezone(clock.JST)
    return f"{clock.words(local.date())} {local:%H:%M:%S}（日本時間）"

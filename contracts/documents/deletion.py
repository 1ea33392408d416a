"""The certificate of deletion (廃棄証明書): what the buyer stated, printed from what is kept of it."""

from __future__ import annotations

from typing import Any

from contracts.documents.content import Content
from contracts.documents.printable import printed
from contracts.documents.sheets import moment
from contracts.models import DeletionDuty
from exchange import clock

STATEMENT = "利用者は、下記の契約に基づいて提供を受けたデータを、複製物を含めて消去したことを、データ取引市場を通じて提供者に報告しました。"
NOTE = (
    "この証明書は、利用者の報告を取引市場が記録し、その記録から作成したものです。取引市場が消去に立ち会って確かめたもの"
    "ではありません。"
)


def sheet(said: Content, duty: DeletionDuty) -> dict[str, Any]:
    """Everything the certificate shows; the deletion must have been stated."""
    assert duty.certified_at and duty.deleted_on and duty.certifier
    return {
        "title": "廃棄証明書",
        "operator": said["operator"],
        "number": said["number"],
        "statement": STATEMENT,
        "rows": [
            ("契約番号", f"{said['number']}　第{said['version']}版"),
            ("データの名称", said["data"]["title"]),
            ("提供者", said["provider"]["name"]),
            ("利用者", said["buyer"]["name"]),
            ("消去の期限", clock.words(duty.due_on)),
            ("消去した日", clock.words(duty.deleted_on)),
            ("消去の方法", duty.method),
            ("報告した人", printed(duty.certifier.name)),
            ("報告の日時", moment(duty.certified_at)),
        ],
        "note": NOTE,
    }

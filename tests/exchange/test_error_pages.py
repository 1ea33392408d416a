"""Error pages are shown whatever is broken behind them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import OperationalError


def test_without_its_database_the_site_says_so_in_a_page(client: Any, monkeypatch: Any) -> None:
    from exchange.web import access

    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    monkeypatch.setattr(access, "_by_session", away)
    answer = client.get("/desk")
    assert answer.status_code == 503
    assert "データベースに接続できません" in answer.get_data(as_text=True)
    assert "参照番号" in answer.get_data(as_text=True)


def test_a_page_that_is_not_there_says_so_once(client: Any) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.get_data(as_text=True).count(">ページが見つかりません<") == 1

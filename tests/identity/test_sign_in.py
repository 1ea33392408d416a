"""Signing in, failing to, and being signed out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from exchange import clock, database
from exchange.database import session
from exchange.identity import joining, queries, signing_in
from exchange.identity.models import SignInFailure
from exchange.web.sign_in import local_path
from tests.identity.people import is_signed_in, letters, link_for, send, sign_in, words
from tests.world import PASSWORD


def test_the_right_password_opens_the_desk(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")

    answer = sign_in(client, buyer.email.upper(), PASSWORD)

    assert answer.status_code == 303 and answer.location == "/desk"
    assert is_signed_in(client)


def test_a_wrong_password_and_a_wrong_address_read_the_same(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    wrong = sign_in(client, buyer.email, "not the password")
    nobody = sign_in(client, "nobody@nowhere.example", "not the password")

    assert (wrong.status_code, nobody.status_code) == (422, 422)
    assert words(wrong) == words(nobody).replace("nobody@nowhere.example", buyer.email)
    assert "not the password" not in words(wrong)


def test_an_account_is_closed_for_a_while_after_ten_failures_even_for_the_right_password(
    client: Any, world: Any
) -> None:
    buyer, other = world.organization("買い手"), world.organization("ほか")
    for _ in range(signing_in.FAILURES_PER_ACCOUNT):
        assert sign_in(client, buyer.email, "guess").status_code == 422
    refused = sign_in(client, buyer.email, PASSWORD)

    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 901
    assert "一時的に受け付けを止めています" in words(refused)
    assert sign_in(client, other.email, PASSWORD).status_code == 303


def test_failures_are_counted_for_addresses_that_do_not_exist_too(client: Any, db: Any) -> None:
    for _ in range(signing_in.FAILURES_PER_ACCOUNT):
        sign_in(client, "nobody@nowhere.example", "guess")

    assert sign_in(client, "nobody@nowhere.example", "guess").status_code == 429


def test_one_network_address_cannot_try_many_accounts(db: Any) -> None:
    at = clock.real_now()
    for n in range(signing_in.FAILURES_PER_ADDRESS):
        signing_in.begin(f"p{n}@nowhere.example", "2001:db8::1", at=at)

    with pytest.raises(signing_in.TooMany):
        signing_in.begin("another@nowhere.example", "2001:db8::ffff", at=at)
    signing_in.begin("another@nowhere.example", "192.0.2.1", at=at)


def test_failures_are_forgotten_after_the_window_and_by_success(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    for _ in range(signing_in.FAILURES_PER_ACCOUNT):
        sign_in(client, buyer.email, "guess")
    with database.transaction():
        session.execute(update(SignInFailure).values(at=clock.real_now() - signing_in.WINDOW - timedelta(seconds=1)))

    assert sign_in(client, buyer.email, PASSWORD).status_code == 303
    session.remove()
    assert session.scalar(select(func.count()).select_from(SignInFailure)) == 0


def test_signing_out_needs_a_post(client: Any, world: Any) -> None:
    browser = world.organization("買い手").browser

    assert browser.get("/sign-out").status_code == 405
    assert is_signed_in(browser)
    assert send_from_desk(browser, "/sign-out").status_code == 303
    assert not is_signed_in(browser)


def send_from_desk(browser: Any, path: str) -> Any:
    from tests.world import csrf

    token = csrf(browser.get("/desk"))
    session.remove()
    return browser.post(path, data={"csrf_token": token})


def test_a_form_without_its_token_does_nothing(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")

    assert client.post("/sign-in", data={"email": buyer.email, "password": PASSWORD}).status_code == 400
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/desk/tokens", "/desk/tokens"),
        ("/listings?q=a", "/listings?q=a"),
        ("https://evil.example/", "/desk"),
        ("//evil.example/", "/desk"),
        ("/\\evil.example", "/desk"),
        ("/a\\b", "/desk"),
        ("javascript:alert(1)", "/desk"),
        ("/\t/evil.example", "/desk"),
        ("", "/desk"),
        (None, "/desk"),
    ],
)
def test_next_stays_on_this_site(target: str | None, goes: str) -> None:
    assert local_path(target) == goes


def test_a_stranger_is_sent_to_sign_in_and_back(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    sent = client.get("/desk/tokens?a=1")
    assert sent.status_code == 303 and sent.location == "/sign-in?next=/desk/tokens%3Fa%3D1"

    answer = sign_in(client, buyer.email, PASSWORD, next="/desk/tokens?a=1")
    assert answer.location == "/desk/tokens?a=1"


def test_a_password_change_ends_every_session(world: Any) -> None:
    buyer = world.organization("買い手")
    here, there = buyer.browser, world.app.test_client()
    sign_in(there, buyer.email, PASSWORD)

    answer = send(here, "/desk/account/password", current=PASSWORD, password="a new long password")

    assert answer.status_code == 303
    assert not is_signed_in(here) and not is_signed_in(there)
    assert sign_in(there, buyer.email, PASSWORD).status_code == 422
    assert sign_in(there, buyer.email, "a new long password").status_code == 303


def test_a_password_change_needs_the_present_one(world: Any) -> None:
    browser = world.organization("買い手").browser
    answer = send(browser, "/desk/account/password", current="wrong", password="a new long password")

    assert answer.status_code == 422 and "現在のパスワードが正しくありません" in words(answer)
    assert is_signed_in(browser)


def test_a_forgotten_password_is_set_by_mail_once(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    before = buyer.browser
    send(client, "/password-reset", email=buyer.email)
    path = link_for(buyer.email, "reset")

    assert send(client, path, password="short").status_code == 422
    assert send(client, path, password="a new long password").status_code == 303
    assert client.get(path).status_code == 410
    assert not is_signed_in(before)
    assert sign_in(client, buyer.email, "a new long password").status_code == 303


def test_nobody_learns_from_a_reset_whether_an_address_is_known(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    known = words(send(client, "/password-reset", email=buyer.email))
    unknown = words(send(client, "/password-reset", email="nobody@nowhere.example"))

    assert known == unknown.replace("nobody@nowhere.example", buyer.email)
    assert len(letters(buyer.email)) == 1 and letters("nobody@nowhere.example") == []


def test_a_mailbox_is_not_flooded_with_resets(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    for _ in range(6):
        send(client, "/password-reset", email=buyer.email)

    assert len(letters(buyer.email)) == joining.LETTERS_PER_HOUR


def test_an_earlier_reset_link_ends_with_a_new_password(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    send(client, "/password-reset", email=buyer.email)
    path = link_for(buyer.email, "reset")
    send(buyer.browser, "/desk/account/password", current=PASSWORD, password="a new long password")

    assert client.get(path).status_code == 410


def test_the_language_is_remembered(client: Any, db: Any) -> None:
    assert '<html lang="en">' in client.get("/sign-in?lang=en").get_data(as_text=True)
    assert '<html lang="en">' in client.get("/sign-up").get_data(as_text=True)
    assert '<html lang="ja">' in client.get("/sign-up?lang=ja").get_data(as_text=True)


def test_an_account_is_changed(world: Any) -> None:
    buyer = world.organization("買い手")
    answer = send(buyer.browser, "/desk/account", name="改名 花子", department="総務課", language="en")

    assert answer.status_code == 303
    member = queries.member(buyer.id)
    assert member is not None and (member.name, member.department, member.language) == ("改名 花子", "総務課", "en")

"""One-time passwords and recovery codes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import exc

from exchange import clock, database
from exchange.database import session
from exchange.identity import actions, joining, queries, second_factor, signing_in
from tests.identity.people import is_signed_in, send, sign_in, words
from tests.world import PASSWORD


def turned_on(person: Any) -> tuple[str, list[str]]:
    """Turn someone's second factor on, half a minute ago; the secret and the recovery codes."""
    with database.transaction():
        member = person.member
        secret = second_factor.begin(member)
        then = clock.real_now() - timedelta(seconds=60)
        codes = second_factor.confirm(member, pyotp.TOTP(secret).at(then), at=then)
    return secret, codes


def test_who_has_a_second_factor_is_asked_for_it(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    secret, _ = turned_on(buyer)

    answer = sign_in(client, buyer.email, PASSWORD, next="/desk/tokens")
    assert answer.location == "/sign-in/second-factor"
    assert not is_signed_in(client)
    assert send(client, "/sign-in/second-factor", code="000000").status_code == 422
    done = send(client, "/sign-in/second-factor", code=pyotp.TOTP(secret).now())
    assert done.location == "/desk/tokens" and is_signed_in(client)


def test_a_code_is_good_once(world: Any) -> None:
    buyer = world.organization("買い手")
    secret, _ = turned_on(buyer)
    code = pyotp.TOTP(secret).now()
    first, second = world.app.test_client(), world.app.test_client()
    sign_in(first, buyer.email, PASSWORD)
    sign_in(second, buyer.email, PASSWORD)

    assert send(first, "/sign-in/second-factor", code=code).status_code == 303
    assert send(second, "/sign-in/second-factor", code=code).status_code == 422
    assert not is_signed_in(second)


def test_an_earlier_code_is_not_taken_after_a_later_one(world: Any) -> None:
    buyer = world.organization("買い手")
    secret, _ = turned_on(buyer)
    at = clock.real_now() + timedelta(minutes=5)
    with database.transaction():
        assert second_factor.passes(buyer.member, pyotp.TOTP(secret).at(at), at=at)
        earlier = at - timedelta(seconds=30)
        assert not second_factor.passes(buyer.member, pyotp.TOTP(secret).at(earlier), at=at)


@pytest.mark.parametrize(("seconds", "good"), [(-90, False), (-30, True), (0, True), (30, True), (90, False)])
def test_a_clock_may_be_half_a_minute_off(world: Any, seconds: int, good: bool) -> None:
    buyer = world.organization("買い手")
    secret, _ = turned_on(buyer)
    at = clock.real_now() + timedelta(hours=1)
    code = pyotp.TOTP(secret).at(at + timedelta(seconds=seconds))

    with database.transaction():
        assert second_factor.passes(buyer.member, code, at=at) is good


def test_a_recovery_code_is_good_once(world: Any) -> None:
    buyer = world.organization("買い手")
    _, codes = turned_on(buyer)
    first, second = world.app.test_client(), world.app.test_client()
    sign_in(first, buyer.email, PASSWORD)
    sign_in(second, buyer.email, PASSWORD)

    assert send(first, "/sign-in/second-factor", code=codes[0].upper()).status_code == 303
    assert send(second, "/sign-in/second-factor", code=codes[0]).status_code == 422
    assert len(buyer.member.recovery_hashes) == second_factor.RECOVERY_CODES - 1


def test_guesses_are_limited_over_passwords_and_codes_together(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    turned_on(buyer)
    for _ in range(signing_in.FAILURES_PER_ACCOUNT):
        sign_in(client, buyer.email, PASSWORD)
        assert send(client, "/sign-in/second-factor", code="000000").status_code == 422

    assert sign_in(client, buyer.email, PASSWORD).status_code == 429


def test_without_the_password_nobody_is_asked_for_a_code(client: Any, db: Any) -> None:
    assert client.get("/sign-in/second-factor").status_code == 303
    assert client.get("/sign-in/second-factor/set-up").status_code == 303


def test_the_step_between_ends_with_a_password_change(client: Any, world: Any) -> None:
    buyer = world.organization("買い手")
    turned_on(buyer)
    sign_in(client, buyer.email, PASSWORD)
    with database.transaction():
        actions.set_password(buyer.member, "a new long password", at=clock.now())

    session.remove()
    assert client.get("/sign-in/second-factor").status_code == 303


def test_a_first_administrator_sets_password_and_second_factor(client: Any, db: Any) -> None:
    with database.transaction():
        url = actions.create_administrator(email="root@operator.example", name="運営 一郎", at=clock.real_now())
    path = url[url.index("/welcome/") :]

    answer = send(client, path, name="運営 一郎", password="a very long password")
    assert answer.location == "/sign-in/second-factor/set-up" and not is_signed_in(client)
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", words(client.get(answer.location)))
    assert secret
    done = send(client, answer.location, code=pyotp.TOTP(secret.group(1)).now())
    assert done.status_code == 200 and len(re.findall(r"\b(?:[0-9a-z]{4}-){3}[0-9a-z]{4}\b", words(done))) == 10
    assert is_signed_in(client) and client.get(path).status_code == 410


def test_an_administrator_without_a_second_factor_does_not_get_in_again(client: Any, db: Any) -> None:
    with database.transaction():
        url = actions.create_administrator(email="root@operator.example", name="運営 一郎", at=clock.real_now())
        secret = url.rpartition("/")[2]
        joining.come_in(secret, name="運営", password="a very long password", accepted=[], address="", at=clock.now())

    answer = sign_in(client, "root@operator.example", "a very long password")
    assert answer.location == "/sign-in/second-factor/set-up"
    assert not is_signed_in(client)


def test_an_administrator_cannot_turn_it_off(world: Any) -> None:
    with database.transaction():
        world.admin.member.second_factor_exempt = False
    browser = world.app.test_client()
    secret, _ = turned_on(world.admin)
    sign_in(browser, world.admin.email, PASSWORD)
    send(browser, "/sign-in/second-factor", code=pyotp.TOTP(secret).now())

    assert send(browser, "/desk/account/second-factor/remove", password=PASSWORD).status_code == 403
    assert second_factor.is_on(world.admin.member)


def test_only_demo_members_can_be_exempt(world: Any) -> None:
    buyer = world.organization("買い手")
    with pytest.raises(exc.IntegrityError, match="exempt_in_demo"), database.transaction():
        member = buyer.member
        member.email, member.second_factor_exempt = "someone@real.example", True
        session.flush()


def test_someone_turns_it_on_and_off(world: Any) -> None:
    buyer = world.organization("買い手")
    page = words(buyer.browser.get("/desk/account/second-factor"))
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert secret and 'src="data:image/svg+xml' in page

    assert send(buyer.browser, "/desk/account/second-factor", code="1").status_code == 422
    done = send(buyer.browser, "/desk/account/second-factor", code=pyotp.TOTP(secret.group(1)).now())
    assert done.status_code == 200 and "二度と表示されません" in words(done)
    assert send(buyer.browser, "/desk/account/second-factor/remove", password="wrong").status_code == 422
    assert send(buyer.browser, "/desk/account/second-factor/remove", password=PASSWORD).status_code == 303
    assert not second_factor.is_on(buyer.member)


def test_new_recovery_codes_void_the_old(world: Any) -> None:
    buyer = world.organization("買い手")
    _, codes = turned_on(buyer)
    secret = buyer.member.totp_secret
    browser = world.app.test_client()
    sign_in(browser, buyer.email, PASSWORD)
    send(browser, "/sign-in/second-factor", code=pyotp.TOTP(secret).now())
    assert send(browser, "/desk/account/recovery-codes", password=PASSWORD).status_code == 200

    with database.transaction():
        assert not second_factor.passes(buyer.member, codes[0], at=clock.real_now())


def test_the_secret_is_not_shown_once_it_is_on(world: Any) -> None:
    buyer = world.organization("買い手")
    buyer.browser  # noqa: B018 (signs in before the second factor is there)
    secret, _ = turned_on(buyer)

    assert buyer.browser.get("/desk/account/second-factor").status_code == 303
    assert secret not in words(buyer.browser.get("/desk/account"))
    assert queries.member(buyer.id) is not None

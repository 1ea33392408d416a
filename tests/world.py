"""People with names, who speak to the house through its own doors."""

from __future__ import annotations

import itertools
import re
import time
import urllib.error
import urllib.request
from typing import Any

from argon2 import PasswordHasher

from exchange import clock, database, jobs
from exchange.database import session
from exchange.identity import actions, queries, rules, terms
from exchange.identity.models import Member, Organization

PASSWORD = "exchange-demo"
_numbers = itertools.count(1)


class Person:
    """A member of an organization: signs in with a browser, or calls the API with a token."""

    def __init__(self, world: World, member: Member) -> None:
        self.world, self.id, self.email, self.name = world, member.id, member.email, member.name
        self.organization_id = member.organization_id
        self._token: str | None = None
        self._browser: Any = None

    @property
    def member(self) -> Member:
        """The member as the database has it now."""
        found = queries.member(self.id)
        assert found is not None
        return found

    @property
    def token(self) -> str:
        """An API token, made on first use."""
        if self._token is None:
            with database.transaction():
                self._token = actions.issue_token(self.member, name="test", days=1, at=clock.real_now())[1]
        return self._token

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """One API call; the answer with `.status_code` and `.json`."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        session.remove()
        return self.world.app.test_client().open("/api/v1" + path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """GET from the API."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """POST to the API."""
        return self.call("POST", path, {} if body is None and "data" not in options else body, **options)

    @property
    def browser(self) -> Any:
        """A signed-in browser without scripts."""
        if self._browser is None:
            self._browser = self.world.app.test_client()
            session.remove()
            page = self._browser.get("/sign-in")
            form = {"email": self.email, "password": PASSWORD, "csrf_token": csrf(page)}
            answer = self._browser.post("/sign-in", data=form)
            assert answer.status_code == 303, answer.get_data(as_text=True)[:2000]
        session.remove()
        return self._browser

    def see(self, path: str) -> str:
        """The text of a page, which must be there."""
        answer = self.browser.get(path, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.status_code)
        return str(answer.get_data(as_text=True))

    def fill(self, path: str, action: str | None = None, **fields: Any) -> Any:
        """Open a page and send its form with these fields."""
        page = self.browser.get(path)
        return self.browser.post(action or path, data={"csrf_token": csrf(page), **fields})


def csrf(page: Any) -> str:
    """The CSRF token in a page's first form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
    assert found, page.get_data(as_text=True)[:500]
    return found.group(1)


class World:
    """Everybody there is."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._administrators: list[Person] = []

    def organization(
        self,
        name: str,
        *,
        kind: str = "company",
        verified: bool = True,
        roles: Any = ("owner",),
        registered: bool = True,
    ) -> Person:
        """The owner of a new organization."""
        at, n = clock.now(), next(_numbers)
        with database.transaction():
            corporate, code = _numbers_of(kind, n)
            organization = Organization(
                name=name,
                kind=kind,
                corporate_number=corporate,
                municipality_code=code,
                registration_number=f"T{corporate}" if registered else None,
                state="verified" if verified else "pending",
                verified_at=at if verified else None,
                address="東京都港区1-1",
                representative="代表 太郎",
                created_at=at,
            )
            session.add(organization)
            session.flush()
            return Person(self, self._member(organization, roles))

    def colleague(self, person: Person, *roles: str, may_bind: bool = False) -> Person:
        """Another member of the same organization."""
        with database.transaction():
            return Person(self, self._member(queries.organization(person.organization_id), roles, may_bind))

    def _member(self, organization: Organization, roles: Any, may_bind: bool = True) -> Member:
        n = next(_numbers)
        member = actions.new_member(
            organization,
            email=f"p{n}@demo.exchange.example",
            name=f"担当 {n}",
            roles=roles,
            may_bind=may_bind,
            at=clock.now(),
        )
        member.password_hash = _PASSWORD_HASH
        member.confirmed_at = clock.now()
        member.second_factor_exempt = True
        member.department = "情報政策課"
        if not member.is_operator:
            terms.accept(member, list(terms.IN_FORCE), address="192.0.2.1", at=clock.now())
        session.flush()
        return member

    def city(self, name: str = "みなと台市") -> Person:
        """A municipality's owner."""
        return self.organization(name, kind="municipality")

    @property
    def admin(self) -> Person:
        """An administrator with every role."""
        return self.administrator(0)

    def administrator(self, number: int) -> Person:
        """The first, second, … administrator."""
        while len(self._administrators) <= number:
            with database.transaction():
                operator = queries.operator_organization()
                if operator is None:
                    operator = Organization(
                        name="運営事務局", kind="operator", state="verified", created_at=clock.now()
                    )
                    session.add(operator)
                    session.flush()
                self._administrators.append(Person(self, self._member(operator, rules.OPERATOR_ROLES, False)))
        return self._administrators[number]

    def work(self) -> None:
        """Let the worker do everything that waits."""
        session.remove()
        jobs.run_all_tasks()

    def tick(self, job: str) -> None:
        """Let the clock run one periodic job."""
        session.remove()
        assert jobs.run_periodic(job), f"job {job} failed"

    def listing(self, provider: Person, **fields: Any) -> dict[str, Any]:
        """A draft listing of a provider."""
        body = {**LISTING, **fields}
        answer = provider.post("/listings", body)
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def file(
        self, provider: Person, listing: dict[str, Any], name: str = "人口.csv", data: bytes = b"id,value\n1,2\n"
    ) -> Any:
        """A file uploaded straight to the store and read."""
        body = {"name": name, "size": len(data), "media_type": "text/csv"}
        made = provider.post(f"/listings/{listing['id']}/files", body)
        assert made.status_code == 201, made.json
        upload = made.json["upload"]
        put(upload["url"], data, upload["headers"])
        done = provider.post(f"/listings/{listing['id']}/files/{made.json['id']}/complete")
        assert done.status_code == 202, done.json
        self.work()
        return next(f for f in provider.get(f"/listings/{listing['id']}").json["files"] if f["id"] == made.json["id"])

    def published(
        self,
        provider: Person,
        pricing: dict[str, Any],
        *,
        template: str = "provision-licence",
        data: bytes = b"id,value\n1,2\n",
        price_basis: str | None = None,
        **fields: Any,
    ) -> tuple[dict[str, Any], Any, Any]:
        """A published listing with one file and one offer: (listing, file, offer)."""
        listing = self.listing(provider, **fields)
        file = self.file(provider, listing, data=data)
        offer = provider.post(
            f"/listings/{listing['id']}/offers",
            {"name": "標準", "template": template, "pricing": pricing, "variables": {}, "price_basis": price_basis},
        )
        assert offer.status_code == 201, offer.json
        submitted = provider.post(f"/listings/{listing['id']}/submit", {"answers": []})
        assert submitted.status_code == 200, submitted.json
        published = self.admin.post(f"/listings/{listing['id']}/publish")
        assert published.status_code == 200, published.json
        return published.json, file, offer.json

    def contract(self, buyer: Person, provider: Person, offer: dict[str, Any]) -> dict[str, Any]:
        """An active contract on an offer."""
        body = {"offer_id": offer["id"], "purpose": "検証のための利用", "variables": {}, "accept_terms": True}
        made = buyer.post("/contracts", body)
        assert made.status_code == 201, made.json
        for person, deed in ((provider, "accept"), (self.admin, "approve")):
            moved = person.post(f"/contracts/{made.json['id']}/{deed}")
            assert moved.status_code == 200, moved.json
        return dict(moved.json)


LISTING: dict[str, Any] = {
    "title": "地区別人口",
    "summary": "地区ごとの人口です。",
    "description": "検証用の掲載です。",
    "theme": "population",
    "data_class": "non_personal",
    "update_frequency": "annual",
    "keywords": ["検証"],
    "area_codes": [],
    "period_start": "2025-04-01",
    "period_end": "2026-03-31",
    "source": "検証",
    "declaration": True,
}
ONE_OFF = {"model": "one_off", "price_jpy": 10_000}


def put(url: str, data: bytes, headers: dict[str, str]) -> None:
    """PUT bytes to a presigned URL, as any client would: what the store could not take is sent again, once."""
    for last in (False, True):
        try:
            request = urllib.request.Request(url, data=data, method="PUT", headers=headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 200
                return
        except urllib.error.HTTPError as error:
            if last or error.code < 500:
                raise


# The house's own hashes take a tenth of a second to compare with, by design; a hash says itself how dear it was to make.
_PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def _numbers_of(kind: str, n: int) -> tuple[str, str | None]:
    if kind == "municipality":
        five = f"{13}{400 + n % 500:03}"
        code = next(five + d for d in "0123456789" if rules.is_municipality_code(five + d))
        return rules.municipality_corporate_number(code), code
    twelve = f"{70000000000 + n + time.time_ns() % 10**6 * 1000:012}"
    return f"{rules.corporate_check_digit(twelve)}{twelve}", None

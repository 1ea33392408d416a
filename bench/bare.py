"""What the house is measured against: Flask views that do the least that could be called the same.

/bare/link      token SELECT, INSERT, durable COMMIT (psycopg), boto3's generate_presigned_url
/bare/presign   boto3's generate_presigned_url alone
/bare/page/…    one SELECT, and the same template with the same values
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import flask
import psycopg
from flask import Flask, request

from exchange import clock, storage
from exchange.config import config
from exchange.database import new_id

links = Flask("bare")
_local = threading.local()

TABLE = """
CREATE TABLE bare_grant (id text PRIMARY KEY, contract_id text NOT NULL, file_id text NOT NULL, member_id text NOT NULL,
  object_key text NOT NULL, size bigint NOT NULL, issued_at timestamptz NOT NULL, expires_at timestamptz NOT NULL)
"""


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(config().database_url.replace("+psycopg", ""))
    connection: psycopg.Connection[Any] = _local.connection
    return connection


def _presigned(key: str) -> str:
    parameters = {"Bucket": config().s3_bucket, "Key": key}
    url: str = storage.client(config().url).generate_presigned_url("get_object", parameters, ExpiresIn=300)
    return url


@links.post("/bare/link")
def link() -> Any:
    """A link, without contract, rules or limits."""
    body = request.get_json()
    digest = hashlib.sha256(request.headers["Authorization"][7:].encode()).hexdigest()
    connection = _connection()
    found = connection.execute("SELECT id, member_id FROM api_token WHERE digest = %s", [digest]).fetchone()
    if found is None:
        return {"error": "unauthorized"}, 401
    grant_id, at = new_id(), clock.real_now()
    connection.execute(
        "INSERT INTO bare_grant VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [grant_id, body["contract_id"], body["file_id"], found[1], body["key"], 1000, at, at],
    )
    connection.commit()
    return {"id": grant_id, "url": _presigned(body["key"]), "expires_at": at.isoformat()}, 201


@links.post("/bare/presign")
def presign() -> Any:
    """A signature, and nothing else."""
    return {"url": _presigned(request.get_json()["key"])}, 201


def pages(house: Flask) -> Flask:
    """Bare views of pages: whatever the house's own view gave the template, behind one SELECT.

    The first request of a page asks the house's view once and keeps template and values; what slots show is kept as
    text, so that the bare view asks the database nothing else.
    """
    bare = Flask("bare-pages")
    bare.url_map, bare.extensions = house.url_map, house.extensions
    bare.__dict__["jinja_env"] = house.jinja_env
    bare.config.update(house.config)
    kept: dict[str, tuple[Any, dict[str, Any]]] = {}

    def show(path: str) -> str:
        template, values = kept.get(path) or kept.setdefault(path, _captured(house, path, request.query_string))
        _connection().execute(SELECT[path.split("/", 1)[0]], [path.rsplit("/", 1)[-1]]).fetchall()
        _connection().rollback()
        return str(template.render(values))

    rule = house.url_rule_class("/bare/page/<path:path>", endpoint="bare_page", methods=["GET"])
    house.url_map.add(rule)
    bare.view_functions["bare_page"] = show
    return bare


SELECT = {
    "listings": "SELECT * FROM listing WHERE state = 'published' AND %s <> '' ORDER BY published_at DESC LIMIT 20",
    "listing": "SELECT * FROM listing JOIN file ON file.listing_id = listing.id WHERE listing.id = %s",
    "contract": "SELECT * FROM contract JOIN listing ON listing.id = contract.listing_id WHERE contract.id = %s",
}
REAL = {"listings": "/listings", "listing": "/listings/", "contract": "/desk/contracts/"}


def _captured(house: Flask, path: str, query: bytes) -> tuple[Any, dict[str, Any]]:
    seen: list[tuple[Any, dict[str, Any]]] = []

    def keep(_: Any, template: Any, context: dict[str, Any], **__: Any) -> None:
        seen.append((template, dict(context)))

    slots: dict[str, Any] = {}
    slot = house.jinja_env.globals["slot"]

    def remembered(name: str, **context: Any) -> Any:
        key = f"{name} {sorted((k, id(v)) for k, v in context.items())}"
        if key not in slots:
            slots[key] = slot(name, **context)  # type: ignore[operator]
        return slots[key]

    kind, _, name = path.partition("/")
    real, cookie = REAL[kind] + name, {"Cookie": request.headers.get("Cookie", "")}
    house.jinja_env.globals["slot"] = remembered
    try:
        with flask.template_rendered.connected_to(keep, house):
            client = house.test_client(use_cookies=False)
            answer = client.get(real, query_string=query.decode(), headers=cookie)
    finally:
        house.jinja_env.globals["slot"] = slot
    if answer.status_code != 200:
        raise RuntimeError(f"{real}: {answer.status_code}")
    template, values = seen[-1]
    return template, values | {"slot": remembered}

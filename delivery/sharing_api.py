"""The Delta Sharing doors, at /delta-sharing: for a profile's token, the tables of its contract.

Refusals are the house's own, in the protocol's form `{errorCode, message}`. One thing differs: a contract that is not
in force, a recalled file or a limit that would be passed is 403, which the protocol's clients do not try again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from flask import Blueprint, Response, g, request
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from delivery import actions, profiles, queries
from delivery.models import SharingProfile
from delivery.sharing import SCHEMA, hints, parquet
from delivery.sharing import tables as sharing
from delivery.sharing.tables import Table, Version
from exchange import clock
from exchange.config import config
from exchange.errors import N_, DomainError, Invalid, Malformed, NotFound, WrongState, text
from exchange.web import access

PREFIX = "/delta-sharing"
blueprint = Blueprint("sharing", __name__, url_prefix=PREFIX)
TABLES = "/shares/<share>/schemas/<schema>/tables"
TABLE = f"{TABLES}/<table>"
QUERY_BYTES_MAX = 256 * 1024
INT32_MAX, INT64_MAX = 2**31 - 1, 2**63 - 1
PAGE_MAX = 500
REFRESH_SECONDS = 3600
JSON = "application/json; charset=utf-8"
CAPABILITIES = "delta-sharing-capabilities"
FILE_ID_HASH = "fileidhash"


class Unsupported(Malformed):
    """The protocol has it, this server does not."""

    title_ja = N_("この操作には対応していません")


# ── who comes, and how they are refused ──────────────────────────────────────────────────────────────────────────────


def _check() -> None:
    g.profile = profiles.enter(access.bearer_secret(), at=clock.now())
    g.caller = g.profile.member


shared = access.bearer("share profile", _check)


def _profile() -> SharingProfile:
    return cast(SharingProfile, g.profile)


CODES = {
    400: "MALFORMED_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "UNSUPPORTED_OPERATION",
    409: "RESOURCE_CONFLICT",
    413: "REQUEST_TOO_LARGE",
    422: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
}


def refused(refusal: DomainError) -> Response:
    """A refusal as the protocol words it: `{"errorCode": …, "message": …}`."""
    status, code = refusal.status, CODES.get(refusal.status, "INTERNAL_ERROR")
    headers = refusal.headers()
    if isinstance(refusal, Unsupported):
        code = CODES[405]
    elif isinstance(refusal, actions.LimitReached):
        status, code, headers = 403, "LIMIT_REACHED", {}
    elif isinstance(refusal, WrongState):
        status, code = 403, CODES[403]
    elif status == 422:
        status = 400
    body = {"errorCode": code, "message": str(refusal.detail) or refusal.title}
    words = json.dumps(body, ensure_ascii=False)
    return Response(words, status, headers, content_type=JSON)


def _json(body: Any) -> Response:
    """JSON in ASCII: clients break lines at every character that Unicode breaks them at."""
    return Response(json.dumps(body), content_type=JSON)


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/shares")
@shared
def list_shares() -> Response:
    """The one share of a profile."""
    return _listed([_share()])


@blueprint.get("/shares/<share>")
@shared
def show_share(share: str) -> Response:
    """The share of the profile's contract."""
    _must_be(share)
    return _json({"share": _share()})


@blueprint.get("/shares/<share>/schemas")
@shared
def list_schemas(share: str) -> Response:
    """The one schema of a share."""
    _must_be(share)
    return _listed([{"name": SCHEMA, "share": _profile().contract_id}])


@blueprint.get(TABLES)
@shared
def list_tables(share: str, schema: str) -> Response:
    """The tables of a schema."""
    _must_be(share, schema)
    return _listed([_shown(table) for table in _tables()])


@blueprint.get("/shares/<share>/all-tables")
@shared
def list_all_tables(share: str) -> Response:
    """The tables of a share."""
    _must_be(share)
    return _listed([_shown(table) for table in _tables()])


def _share() -> dict[str, Any]:
    contract = _profile().contract
    shown = f"{contract.number} {contract.listing.title}"
    return {"name": contract.id, "id": contract.id, "displayName": shown, "comment": contract.listing.summary}


def _shown(table: Table) -> dict[str, Any]:
    share = _profile().contract_id
    where = {"share": share, "schema": SCHEMA, "name": table.name}
    return where | {"id": table.id, "shareId": share, "accessModes": ["url"]}


def _must_be(share: str, schema: str = SCHEMA) -> None:
    """A share that is not the profile's own does not exist for it."""
    if sharing.same_name(share) != _profile().contract_id or sharing.same_name(schema) != SCHEMA:
        raise NotFound(text("この共有プロファイルに、その名前の共有またはスキーマはありません。"))


def _tables() -> list[Table]:
    return queries.shared_tables(_profile().contract)


def _table(share: str, schema: str, table: str) -> Table:
    _must_be(share, schema)
    return sharing.named(_tables(), table)


def _listed(items: Sequence[dict[str, Any]]) -> Response:
    """A page of a list. A page token is signed for its list and names where the page begins."""
    most = min(_number("maxResults", INT32_MAX, default=PAGE_MAX), PAGE_MAX)
    pages = URLSafeSerializer(config().secret_key, salt=f"sharing-page {request.path.casefold()}")
    start = 0
    if given := request.args.get("pageToken"):
        try:
            start = int(pages.loads(given))
        except (BadData, ValueError) as error:
            raise _invalid("pageToken") from error
    body: dict[str, Any] = {"items": items[start : start + most]}
    if start + most < len(items):
        body["nextPageToken"] = pages.dumps(start + most)
    return _json(body)


# ── one table ────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get(f"{TABLE}/version")
@blueprint.route(TABLE, methods=["HEAD"], endpoint="head_version")
@shared
def show_version(share: str, schema: str, table: str) -> Response:
    """The newest version, or the first since `startingTimestamp`, in a header."""
    found = _table(share, schema, table)
    since = request.args.get("startingTimestamp")
    version = found.since(_moment("startingTimestamp", since)) if since else found.newest
    return Response(headers={"Delta-Table-Version": str(version.number)}, content_type="text/plain; charset=utf-8")


@blueprint.get(f"{TABLE}/metadata")
@shared
def show_metadata(share: str, schema: str, table: str) -> Response:
    """The schema of a table, of its newest version or of another."""
    found, wanted = _table(share, schema, table), _Capabilities.asked()
    number = _number("version", INT64_MAX) if "version" in request.args else None
    version = _version(found, number, request.args.get("timestamp"))
    is_dated = bool({"version", "timestamp"} & set(request.args))
    end: list[dict[str, Any]] = [{"endStreamAction": {}}] if wanted.end_of_stream else []
    return _lines(version, wanted, [*_head(found, version, _described(version), is_dated=is_dated), *end])


@blueprint.post(f"{TABLE}/query")
@shared
def query(share: str, schema: str, table: str) -> Response:
    """The file of a table, with a link that is recorded before it leaves; none where the hints say it is not needed."""
    found, wanted, asked = _table(share, schema, table), _Capabilities.asked(), _Query.read()
    refreshed = _refreshed(found, asked.refresh_token)
    version = refreshed or _version(found, asked.version, asked.timestamp)
    file = _described(version)
    lines = _head(found, version, file, is_dated=asked.is_dated)
    expires_ms = None
    if asked.limit != 0 and not hints.excluded(file, sql=asked.sql, tree=asked.tree):
        link = profiles.draw(_profile(), version.file.file_id, remote=request.remote_addr, at=clock.now())
        expires_ms = int(link.expires_at.timestamp() * 1000)
        lines.append({"file": _file(version, file, link, expires_ms, is_dated=asked.is_dated)})
    if wanted.end_of_stream or asked.wants_refresh:
        lines.append({"endStreamAction": _end(found, version, expires_ms)})
    return _lines(version, wanted, lines)


@blueprint.get(f"{TABLE}/changes")
@shared
def show_changes(share: str, schema: str, table: str) -> Response:
    """Releases replace each other; there is no feed of changed rows."""
    _table(share, schema, table)
    raise Unsupported(text("変更データ（Change Data Feed）は提供していません。版を指定して読み取ってください。"))


@blueprint.post(f"{TABLE}/temporary-table-credentials")
@blueprint.post(f"{TABLE}/queries/<query_id>")
@shared
def refuse_other_ways(share: str, schema: str, table: str, query_id: str = "") -> Response:
    """Files are read by URL alone, and every query is answered at once."""
    _table(share, schema, table)
    raise Unsupported(text("この共有は URL による読み取り（accessModes: url）だけに対応しています。"))


def _version(table: Table, number: int | None, timestamp: str | None) -> Version:
    if number is not None and timestamp is not None:
        raise _invalid("version", text("version と timestamp は、どちらか一方だけを指定してください。"))
    if number is not None:
        return table.version(number)
    return table.as_of(_moment("timestamp", timestamp)) if timestamp is not None else table.newest


def _described(version: Version) -> parquet.Described:
    if version.file.recalled_at:
        raise actions.FileRecalled(text("このファイルは提供者により回収されました。"), state="recalled")
    of = version.file
    return parquet.described(of.parquet_key, of.parquet_size, place_id=of.place_id)


def _head(table: Table, version: Version, file: parquet.Described, *, is_dated: bool) -> list[dict[str, Any]]:
    told = {
        "id": table.id,
        "name": table.name,
        "description": _profile().contract.listing.title,
        "format": {"provider": "parquet"},
        "schemaString": file.schema_string(version.file.column_notes),
        "partitionColumns": [],
        "configuration": {},
        "accessModes": ["url"],
        "size": version.file.parquet_size,
        "numFiles": 1,
    }
    if is_dated:
        told["version"] = version.number
    return [{"protocol": {"minReaderVersion": 1}}, {"metaData": told}]


def _file(
    version: Version, file: parquet.Described, link: actions.Link, expires_ms: int, *, is_dated: bool
) -> dict[str, Any]:
    told = {
        "url": link.url,
        "id": version.file.file_id,
        "partitionValues": {},
        "size": link.size,
        "stats": file.statistics(),
        "expirationTimestamp": expires_ms,
    }
    return told | ({"version": version.number, "timestamp": version.published_ms} if is_dated else {})


def _lines(version: Version, wanted: _Capabilities, lines: Iterable[dict[str, Any]]) -> Response:
    """One JSON object a line, in ASCII like all of it."""
    headers = {"Delta-Table-Version": str(version.number), CAPABILITIES: wanted.answered}
    given = request.headers.get(FILE_ID_HASH)
    if given is not None:
        headers[FILE_ID_HASH] = given.strip().lower()
    body = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    return Response(body, headers=headers, content_type="application/x-ndjson; charset=utf-8")


# ── refreshing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _refreshing() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(config().secret_key, salt="sharing-refresh")


def _end(table: Table, version: Version, expires_ms: int | None) -> dict[str, Any]:
    told: dict[str, Any] = {"refreshToken": _refreshing().dumps([table.id, version.number])}
    return told | ({"minUrlExpirationTimestamp": expires_ms} if expires_ms else {})


def _refreshed(table: Table, given: str | None) -> Version | None:
    """The version that a refresh token was given with, so that a reader's files do not change under it."""
    if not given:
        return None
    try:
        table_id, number = _refreshing().loads(given, max_age=REFRESH_SECONDS)
    except (BadData, ValueError) as error:
        raise _invalid("refreshToken") from error
    if table_id != table.id:
        raise _invalid("refreshToken")
    return table.version(number)


# ── what was asked ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Capabilities:
    """What the client says it can take. Keys and values come in any case of letters."""

    def __init__(self, header: str) -> None:
        parts = [part.partition("=") for part in header.lower().replace(" ", "").split(";")]
        told = {key: value.split(",") for key, _, value in parts}
        self.end_of_stream = told.get("includeendstreamaction") == ["true"]
        if "parquet" not in told.get("responseformat", ["parquet"]):
            raise Unsupported(
                text(
                    "応答の形式は parquet だけです。responseformat=parquet または responseformat=delta,parquet を指定してください。"
                )
            )

    @classmethod
    def asked(cls) -> _Capabilities:
        """Those of this request. File ids are the same whichever hash is asked for, as long as it is known."""
        if request.headers.get(FILE_ID_HASH, "parquet").strip().lower() not in ("parquet", "delta"):
            raise _invalid(FILE_ID_HASH)
        return cls(request.headers.get(CAPABILITIES, ""))

    @property
    def answered(self) -> str:
        """The header of the answer."""
        return "responseformat=parquet" + (";includeEndStreamAction=true" if self.end_of_stream else "")


class _Query:
    """The body of a query; every field may be left out. Fields that are not known are passed over."""

    def __init__(self, body: dict[str, Any]) -> None:
        if "startingVersion" in body or "endingVersion" in body:
            raise Unsupported(
                text("変更データ（Change Data Feed）は提供していません。版を指定して読み取ってください。")
            )
        if body.get("pageToken"):
            raise _invalid("pageToken")  # a table is one file, so there is no next page to ask for
        self.limit = _integer(body, "limitHint", INT64_MAX)
        self.version = _integer(body, "version", INT64_MAX)
        self.timestamp: str | None = _string(body, "timestamp")
        self.tree: str | None = _string(body, "jsonPredicateHints")
        self.refresh_token: str | None = _string(body, "refreshToken")
        self.wants_refresh = body.get("includeRefreshToken") is True
        self.sql: list[str] = body.get("predicateHints") or []
        if not isinstance(self.sql, list) or not all(isinstance(hint, str) for hint in self.sql):
            raise _invalid("predicateHints")
        if self.refresh_token and self.is_dated:
            raise _invalid("refreshToken")

    @property
    def is_dated(self) -> bool:
        """Whether a version was asked for."""
        return self.version is not None or self.timestamp is not None

    @classmethod
    def read(cls) -> _Query:
        """That of this request; an empty body is a query without hints."""
        request.max_content_length = QUERY_BYTES_MAX
        try:
            body = json.loads(request.get_data() or b"{}")
        except (RecursionError, ValueError) as error:
            raise Malformed(text("本文を JSON として読み取れません。")) from error
        if not isinstance(body, dict):
            raise Malformed(text("本文は JSON オブジェクトにしてください。"))
        return cls(body)


def _integer(body: dict[str, Any], name: str, most: int) -> int | None:
    value = body.get(name)
    if value is not None and (type(value) is not int or not 0 <= value <= most):
        raise _invalid(name)
    return value


def _string(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise _invalid(name)
    return value


def _number(name: str, most: int, *, default: int = 0) -> int:
    given = request.args.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= most):
        raise _invalid(name)
    return int(given)


def _moment(name: str, given: str | None) -> datetime:
    try:
        found = datetime.fromisoformat(given or "")
    except ValueError as error:
        raise _invalid(name) from error
    if found.tzinfo is None:
        raise _invalid(name)
    return found


def _invalid(name: str, why: text | None = None) -> Invalid:
    return Invalid({name: [why or text("%(name)s の値が正しくありません。", name=name)]})

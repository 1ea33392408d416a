"""What comes in and goes out of the JSON doors of listings and wants."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from exchange.errors import text
from exchange.identity.models import Member, Organization
from exchange.identity.rules import KINDS
from exchange.web.api import Answer, PageArgs, Schema
from listings import places, queries, registries, rules, search
from listings.models import File, Finding, Listing, Release, StoragePlace, Want, WantAnswer
from listings.registries import Recipient
from listings.uploads import Ticket

# Ids are opaque; their alphabet keeps a made-up one from meaning anything.
ID = validate.Length(1, 40)
YEAR_MIN, YEAR_MAX = date(1, 1, 1), date(9999, 12, 31)


def _words(maximum: int, *, line: bool = False, empty: bool = False) -> list[Any]:
    def printable(value: str) -> None:
        if not (rules.one_line(value) if line else rules.printable(value)):
            raise ValidationError(str(text("使えない文字(制御文字)が含まれています。")))

    return [validate.Length(0 if empty else 1, maximum), printable]


# ---- what comes in


class CatalogueArgs(PageArgs):
    """Search and filters of the catalogue."""

    q = fields.String(load_default="", validate=validate.Length(max=200))
    theme = fields.String(load_default="", validate=validate.OneOf(["", *rules.THEMES]))
    kind = fields.String(load_default="", validate=validate.OneOf(["", *(k for k in KINDS if k != "operator")]))
    data_class = fields.String(load_default="", validate=validate.OneOf(["", *rules.DATA_CLASSES]))
    pricing = fields.String(load_default="", validate=validate.OneOf(["", *rules.PRICING_MODELS]))
    format = fields.String(load_default="", validate=validate.Regexp(r"^[a-z0-9.+-]{0,20}\Z"))
    area = fields.String(load_default="", validate=validate.Regexp(r"^([0-9]{2,6})?\Z"))
    sort = fields.String(load_default="", validate=validate.OneOf(["", *search.SORTS]))


class Contact(Schema):
    """Whom to ask: a department, not a person."""

    department = fields.String(validate=_words(100, line=True))
    email = fields.Email(allow_none=True, validate=validate.Length(max=254))
    phone = fields.String(allow_none=True, validate=validate.Regexp(r"^[0-9+()\- ]{4,30}\Z"))


class ListingChange(Schema):
    """What may change of a listing; only what is named changes."""

    title = fields.String(validate=_words(rules.TITLE_LENGTH_MAX, line=True))
    summary = fields.String(validate=_words(rules.SUMMARY_LENGTH_MAX))
    description = fields.String(validate=_words(rules.DESCRIPTION_LENGTH_MAX))
    theme = fields.String(validate=validate.OneOf(list(rules.THEMES)))
    data_class = fields.String(validate=validate.OneOf(list(rules.DATA_CLASSES)))
    update_frequency = fields.String(validate=validate.OneOf(list(rules.FREQUENCIES)))
    keywords = fields.List(
        fields.String(validate=_words(rules.KEYWORD_LENGTH_MAX, line=True)),
        validate=validate.Length(max=rules.KEYWORDS_MAX),
    )
    area_codes = fields.List(
        fields.String(validate=validate.Regexp(r"^[0-9]{2}([0-9]{3}[0-9]?)?\Z")),
        validate=validate.Length(max=rules.AREA_CODES_MAX),
    )
    period_start = fields.Date(allow_none=True)
    period_end = fields.Date(allow_none=True)
    licence = fields.String(allow_none=True, validate=_words(100, line=True))
    source = fields.String(validate=_words(rules.SOURCE_LENGTH_MAX))
    contact = fields.Nested(Contact)
    visibility = fields.String(validate=validate.OneOf(list(rules.VISIBILITIES)))
    invited = fields.List(fields.String(validate=ID), validate=validate.Length(max=rules.INVITED_MAX))
    declaration = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "The provider has the right to provide this data."}
    )


class NewListing(ListingChange):
    """A listing to be drafted."""

    title = fields.String(required=True, validate=_words(rules.TITLE_LENGTH_MAX, line=True))
    summary = fields.String(required=True, validate=_words(rules.SUMMARY_LENGTH_MAX))
    description = fields.String(required=True, validate=_words(rules.DESCRIPTION_LENGTH_MAX))
    theme = fields.String(required=True, validate=validate.OneOf(list(rules.THEMES)))
    data_class = fields.String(required=True, validate=validate.OneOf(list(rules.DATA_CLASSES)))
    update_frequency = fields.String(required=True, validate=validate.OneOf(list(rules.FREQUENCIES)))
    source = fields.String(required=True, validate=_words(rules.SOURCE_LENGTH_MAX))
    declaration = fields.Boolean(required=True, truthy={True}, falsy={False})


class NewFile(Schema):
    """A file about to be sent."""

    name = fields.String(
        required=True,
        validate=_words(rules.FILE_NAME_LENGTH_MAX, line=True),
        metadata={"description": "Without folders. At most 200 files a release."},
    )
    size = fields.Integer(required=True, strict=True, validate=validate.Range(0, rules.FILE_SIZE_MAX))
    media_type = fields.String(load_default="application/octet-stream", validate=validate.Length(3, 200))
    multipart = fields.Boolean(
        load_default=False, truthy={True}, falsy={False}, metadata={"description": "Required above 5 GB."}
    )


class PartNumbers(Schema):
    """Which parts are about to be sent."""

    numbers = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, rules.PARTS_MAX)),
        required=True,
        validate=validate.Length(1, 1_000),
    )
    restart = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Begin anew, where the store no longer knows the upload."},
    )


class Part(Schema):
    """A part that was sent, with the ETag the store answered."""

    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, rules.PARTS_MAX))
    etag = fields.String(required=True, validate=_words(200, line=True))


class Completion(Schema):
    """Everything was sent; `parts` for uploads in parts."""

    parts = fields.List(fields.Nested(Part), load_default=list, validate=validate.Length(max=rules.PARTS_MAX))


class ColumnNote(Schema):
    """What a column means."""

    name = fields.String(required=True, validate=validate.Length(max=1_000))
    description = fields.String(required=True, validate=_words(rules.COLUMN_DESCRIPTION_LENGTH_MAX, empty=True))


class FileChange(Schema):
    """What the provider says of a file of a draft release."""

    columns = fields.List(fields.Nested(ColumnNote), validate=validate.Length(max=2_000))
    released_rows = fields.Integer(strict=True, validate=validate.Range(0, rules.PREVIEW_ROWS_MAX))
    released_columns = fields.List(
        fields.String(validate=validate.Length(max=1_000)), validate=validate.Length(max=2_000)
    )


class Reason(Schema):
    """Why."""

    reason = fields.String(required=True, validate=_words(rules.REASON_LENGTH_MAX))


class ReleaseNote(Schema):
    """What is new in a release."""

    note = fields.String(load_default="", validate=_words(rules.NOTE_LENGTH_MAX, empty=True))


class FindingAnswer(Schema):
    """Why values that look like personal data may go out."""

    file_id = fields.String(required=True, validate=ID)
    kind = fields.String(required=True, validate=validate.Length(1, 50))
    column = fields.String(required=True, validate=validate.Length(max=1_000))
    answer = fields.String(required=True, validate=_words(rules.REASON_LENGTH_MAX))


class Submission(Schema):
    """Answers to findings, by file, kind and column."""

    answers = fields.List(fields.Nested(FindingAnswer), load_default=list, validate=validate.Length(max=5_000))


class Nothing(Schema):
    """An empty body."""


class NeedsArgs(PageArgs):
    """Filters of the board of wants."""

    theme = fields.String(load_default="", validate=validate.OneOf(["", *rules.THEMES]))
    area = fields.String(load_default="", validate=validate.Regexp(r"^([0-9]{2,6})?\Z"))
    state = fields.String(load_default="open", validate=validate.OneOf(["open", "closed"]))


class NewNeed(Schema):
    """What is wanted, for which purpose, where, until when."""

    title = fields.String(required=True, validate=_words(rules.TITLE_LENGTH_MAX, line=True))
    purpose = fields.String(required=True, validate=_words(rules.NOTE_LENGTH_MAX))
    description = fields.String(load_default="", validate=_words(rules.DESCRIPTION_LENGTH_MAX, empty=True))
    theme = fields.String(required=True, validate=validate.OneOf(list(rules.THEMES)))
    area_codes = fields.List(
        fields.String(validate=validate.Regexp(r"^[0-9]{2}([0-9]{3}[0-9]?)?\Z")),
        load_default=list,
        validate=validate.Length(max=rules.AREA_CODES_MAX),
    )
    until = fields.Date(required=True)


class NeedAnswer(Schema):
    """A listing, a date, or a no with its reason."""

    kind = fields.String(
        validate=validate.OneOf(list(rules.ANSWER_KINDS)),
        metadata={"description": "Follows from what is given when left out."},
    )
    listing_id = fields.String(load_default=None, allow_none=True, validate=ID)
    planned_on = fields.Date(load_default=None, allow_none=True)
    message = fields.String(load_default="", validate=_words(rules.REASON_LENGTH_MAX, empty=True))

    @post_load
    def follow(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """A listing means a listing, a date a date, words alone a no."""
        given = "listing" if data["listing_id"] else "date" if data["planned_on"] else "no"
        return {"kind": given} | data


class JoinNote(Schema):
    """Why it is wanted here, too."""

    note = fields.String(load_default="", validate=_words(rules.NOTE_LENGTH_MAX, empty=True))


class _PlaceChange(Schema):
    """What may change of a storage place."""

    name = fields.String(validate=validate.Length(1, places.NAME_LENGTH_MAX))
    probe_key = fields.String(validate=validate.Length(1, places.KEY_BYTES_MAX))
    role_arn = fields.String(allow_none=True, validate=validate.Length(max=200))
    access_key = fields.String(allow_none=True, validate=validate.Length(max=128))
    secret_key = fields.String(load_only=True, allow_none=True, validate=validate.Length(max=256))
    accepts_wide = fields.Boolean(
        truthy={True},
        falsy={False},
        metadata={"description": "Use it although its key can list or write more than the exchange needs."},
    )
    log_source = fields.String(allow_none=True, validate=validate.OneOf(list(places.LOG_SOURCES)))
    log_location = fields.String(allow_none=True, validate=validate.Length(max=600))


class PlaceChange(_PlaceChange):
    """What may change of a storage place; only what is named changes."""


class NewPlace(_PlaceChange):
    """A bucket of one's own under one prefix, and the way in: a role of AWS, or an access key."""

    name = fields.String(required=True, validate=validate.Length(1, places.NAME_LENGTH_MAX))
    kind = fields.String(required=True, validate=validate.OneOf(list(places.KINDS)))
    endpoint_url = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=300),
        metadata={"description": "Of a store that is not AWS: https, reachable from the internet."},
    )
    region = fields.String(required=True, validate=validate.Length(1, 40))
    bucket = fields.String(required=True, validate=validate.Length(1, 63))
    prefix = fields.String(
        required=True, validate=validate.Length(1, 500), metadata={"description": "Ends with a slash."}
    )
    probe_key = fields.String(
        required=True,
        validate=validate.Length(1, places.KEY_BYTES_MAX),
        metadata={"description": "An object under the prefix, which checks read."},
    )


class HeldFiles(Schema):
    """Objects under a storage place's prefix, by their keys."""

    place_id = fields.String(required=True, validate=ID)
    keys = fields.List(
        fields.String(validate=validate.Length(1, places.KEY_BYTES_MAX)),
        required=True,
        validate=validate.Length(1, places.KEYS_AT_ONCE_MAX),
    )


# ---- what goes out


class PlaceCheck(Answer):
    """One thing that was looked at in a storage place, and what to do about it."""

    check = fields.String(required=True)
    title = fields.String(required=True)
    found = fields.String(required=True)
    passed = fields.Boolean(required=True)
    words = fields.String(required=True)


class PlaceAnswer(Answer):
    """A storage place; its secret is never shown."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    endpoint_url = fields.String(required=True, allow_none=True)
    region = fields.String(required=True)
    bucket = fields.String(required=True)
    prefix = fields.String(required=True)
    probe_key = fields.String(required=True)
    role_arn = fields.String(required=True, allow_none=True)
    external_id = fields.String(required=True, allow_none=True)
    access_key = fields.String(required=True, allow_none=True)
    accepts_wide = fields.Boolean(required=True)
    log_source = fields.String(required=True, allow_none=True)
    log_location = fields.String(required=True, allow_none=True)
    is_logged = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("checking", "usable", "refused", "closed")))
    checks = fields.List(fields.Nested(PlaceCheck), required=True)
    checked_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class PlacesAnswer(Answer):
    """The storage places of one's organization."""

    items = fields.List(fields.Nested(PlaceAnswer), required=True)


class ProviderAnswer(Answer):
    """An organization as everyone may know it."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)


class ListingItem(Answer):
    """A listing as a row of the catalogue."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    summary = fields.String(required=True)
    theme = fields.String(required=True)
    data_class = fields.String(required=True, allow_none=True)
    update_frequency = fields.String(required=True)
    keywords = fields.List(fields.String(), required=True)
    area_codes = fields.List(fields.String(), required=True)
    period_start = fields.Date(required=True, allow_none=True)
    period_end = fields.Date(required=True, allow_none=True)
    licence = fields.String(required=True, allow_none=True)
    visibility = fields.String(required=True)
    state = fields.String(required=True)
    provider = fields.Nested(ProviderAnswer, required=True)
    pricing = fields.List(fields.String(), required=True, attribute="pricing_models")
    price_from_jpy = fields.Integer(required=True, allow_none=True)
    price_text = fields.String(required=True)
    is_open = fields.Boolean(required=True)
    formats = fields.List(fields.String(), required=True)
    quality_score = fields.Integer(required=True, allow_none=True, attribute="quality")
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    published_at = fields.AwareDateTime(required=True, allow_none=True)


class Catalogue(Answer):
    """A page of the catalogue, with the number of all results."""

    items = fields.List(fields.Nested(ListingItem), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    total = fields.Integer(required=True)


class ColumnAnswer(Answer):
    """A column as read, described by the provider; `example` only where released."""

    name = fields.String(required=True)
    type = fields.String(required=True)
    nullable = fields.Boolean(required=True)
    distinct = fields.Integer(required=True, allow_none=True)
    description = fields.String(required=True)
    example = fields.String(allow_none=True)
    file_id = fields.String()


class FindingItem(Answer):
    """What looks like personal data, with the provider's answer."""

    kind = fields.String(required=True)
    column = fields.String(required=True)
    count = fields.Integer(required=True)
    answer = fields.String(required=True, allow_none=True)


class FileProblem(Answer):
    """Something to mend in a file."""

    kind = fields.String(required=True)
    level = fields.String(required=True)
    message = fields.String(required=True)
    mend = fields.String(required=True)
    count = fields.Integer(required=True)
    line = fields.Integer(required=True, allow_none=True)
    column = fields.String(required=True, allow_none=True)
    cell = fields.String(required=True, allow_none=True)


class Variant(Answer):
    """The bytes of a file in one form."""

    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class Variants(Answer):
    """The forms a file can be had in."""

    original = fields.Nested(Variant)
    parquet = fields.Nested(Variant)


class FileAnswer(Answer):
    """A file: what it is, what was read, what was found."""

    id = fields.String(required=True)
    release_id = fields.String(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    format = fields.String(required=True, allow_none=True)
    size = fields.Integer(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True)
    encoding = fields.String(required=True, allow_none=True)
    delimiter = fields.String(required=True, allow_none=True)
    header_row = fields.Integer(required=True, allow_none=True)
    rows = fields.Integer(required=True, allow_none=True)
    columns = fields.List(fields.Nested(ColumnAnswer), required=True)
    preview = fields.List(fields.List(fields.String()), required=True)
    findings = fields.List(fields.Nested(FindingItem), required=True)
    problems = fields.List(fields.Nested(FileProblem), required=True)
    variants = fields.Nested(Variants, required=True)
    recalled_at = fields.AwareDateTime(required=True, allow_none=True)
    recall_reason = fields.String(required=True, allow_none=True)
    storage = fields.String(
        required=True,
        metadata={"description": "`own`: in the holder's own bucket; `managed`: kept by the exchange for the holder."},
    )


class FilesAnswer(Answer):
    """Files that were registered together."""

    items = fields.List(fields.Nested(FileAnswer), required=True)


class ReleaseAnswer(Answer):
    """A version of a listing's files."""

    id = fields.String(required=True)
    number = fields.Integer(required=True)
    state = fields.String(required=True)
    note = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    submitted_at = fields.AwareDateTime(required=True, allow_none=True)
    published_at = fields.AwareDateTime(required=True, allow_none=True)
    file_ids = fields.List(fields.String(), required=True)


class QualityAnswer(Answer):
    """How readable the files are: 100 less what each problem costs."""

    score = fields.Integer(required=True, allow_none=True)
    problems = fields.Integer(required=True)


class ContactAnswer(Answer):
    """Whom to ask."""

    department = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)


class ListingAnswer(ListingItem):
    """A listing whole."""

    description = fields.String(required=True)
    source = fields.String(required=True)
    contact = fields.Nested(ContactAnswer, required=True)
    invited = fields.List(fields.String(), required=True)
    files = fields.List(fields.Nested(FileAnswer), required=True)
    columns = fields.List(fields.Nested(ColumnAnswer), required=True)
    quality = fields.Nested(QualityAnswer, required=True)
    quality_score = fields.Integer(required=True, allow_none=True)
    offers = fields.List(fields.Dict(), required=True)
    releases = fields.List(fields.Nested(ReleaseAnswer), required=True)


class UploadAnswer(Answer):
    """Where to send the bytes: `url` for one PUT, or `part_size` and `parts` for an upload in parts."""

    method = fields.String()
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    expires_at = fields.AwareDateTime()
    part_size = fields.Integer()
    parts = fields.Integer()


class NewFileAnswer(FileAnswer):
    """A file announced, and where its bytes go."""

    upload = fields.Nested(UploadAnswer, required=True)


class PartAnswer(Answer):
    """Where to send one part."""

    number = fields.Integer(required=True)
    method = fields.String(required=True)
    url = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class PartsAnswer(Answer):
    """Where to send the parts asked for."""

    parts = fields.List(fields.Nested(PartAnswer), required=True)


class RecipientAnswer(Answer):
    """Who received a recalled file."""

    organization_id = fields.String(required=True, allow_none=True)
    organization = fields.String(required=True)
    links = fields.Integer(required=True)
    delivered_bytes = fields.Integer(required=True)
    last_at = fields.AwareDateTime(required=True, allow_none=True)


class RecallAnswer(FileAnswer):
    """A recalled file, and who received it."""

    recipients = fields.List(fields.Nested(RecipientAnswer), required=True)


class NeedAnswerItem(Answer):
    """A holder's answer to a want."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    organization = fields.Nested(ProviderAnswer, required=True)
    listing_id = fields.String(required=True, allow_none=True)
    planned_on = fields.Date(required=True, allow_none=True)
    message = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class NeedItem(Answer):
    """A want with who joined and what was answered."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    purpose = fields.String(required=True)
    description = fields.String(required=True)
    theme = fields.String(required=True)
    area_codes = fields.List(fields.String(), required=True)
    until = fields.Date(required=True)
    state = fields.String(required=True)
    organization = fields.Nested(ProviderAnswer, required=True)
    joined = fields.List(fields.Nested(ProviderAnswer), required=True)
    answers = fields.List(fields.Nested(NeedAnswerItem), required=True)
    created_at = fields.AwareDateTime(required=True)


# ---- how answers are made


def organization_answer(organization: Organization) -> dict[str, Any]:
    """An organization as everyone may know it."""
    return {"id": organization.id, "name": organization.name, "kind": organization.kind}


def listing_answer(listing: Listing, member: Member | None) -> dict[str, Any]:
    """A listing whole, as `member` may see it: drafts, findings and problems only for who sees drafts."""
    files = queries.shown_files(listing, member)
    inside = queries.sees_drafts(member, listing)
    found = queries.findings_of([file.id for file in files]) if inside and files else {}
    quotes = not (member and member.is_operator)
    shown = [file_answer(file, found.get(file.id, []), inside=inside, quotes=quotes) for file in files]
    releases = [r for r in listing.releases if inside or r.state == "published"]
    return {name: getattr(listing, name) for name in _PLAIN} | {
        "provider": organization_answer(listing.provider),
        "contact": {"department": "", "email": None, "phone": None} | listing.contact,
        "invited": [o.id for o in queries.invitations_of(listing.id)] if inside else [],
        "files": shown,
        "columns": [column | {"file_id": file["id"]} for file in shown for column in file["columns"]],
        "quality": {"score": _score(files), "problems": sum(len(file.problems) for file in files)},
        "quality_score": listing.quality,
        "offers": [offer for source in registries.OFFERS for offer in source(listing, member)],
        "releases": [release_answer(release, queries.kept_files(release)) for release in releases],
    }


_PLAIN = (
    *("id", "title", "summary", "description", "theme", "data_class", "update_frequency", "keywords", "area_codes"),
    *("period_start", "period_end", "licence", "source", "visibility", "state", "pricing_models", "price_from_jpy"),
    *("price_text", "is_open", "formats", "created_at", "updated_at", "published_at"),
)


def _score(files: Sequence[File]) -> int | None:
    scores = [file.quality for file in files if file.quality is not None]
    return sum(scores) // len(scores) if scores else None


def release_answer(release: Release, files: Sequence[File]) -> dict[str, Any]:
    """A version of a listing's files."""
    plain = ("id", "number", "state", "note", "created_at", "submitted_at", "published_at")
    return {name: getattr(release, name) for name in plain} | {"file_ids": [file.id for file in files]}


_PLACE_PLAIN = (
    *("id", "name", "kind", "endpoint_url", "region", "bucket", "prefix", "probe_key", "role_arn", "external_id"),
    *("access_key", "accepts_wide", "log_source", "log_location", "is_logged", "state", "checked_at", "created_at"),
)


def place_answer(place: StoragePlace) -> dict[str, Any]:
    """A storage place with what was found there."""
    told = [each | {"title": str(each["title"]), "words": str(each["words"])} for each in places.told(place.checks)]
    return {name: getattr(place, name) for name in _PLACE_PLAIN} | {"checks": told}


_FILE_PLAIN = (
    *("id", "release_id", "name", "media_type", "format", "size", "state", "reason", "sha256", "encoding", "delimiter"),
    *("header_row", "rows", "recalled_at", "recall_reason"),
)


def file_answer(file: File, findings: Iterable[Finding], *, inside: bool, quotes: bool = True) -> dict[str, Any]:
    """A file; `inside` shows findings and problems, which are the provider's and the administrators' own.

    Without `quotes` nothing of it is shown but what its provider released: administrators see no more than that.
    """
    why = file.refusal
    return {name: getattr(file, name) for name in _FILE_PLAIN} | {
        "reason": str(text(why["message"], **_quoted(why["values"], quotes))) if why else None,
        "storage": "own" if file.place_id else "managed",
        "columns": columns_answer(file),
        "preview": preview(file)[1],
        "findings": [{k: getattr(f, k) for k in ("kind", "column", "count", "answer")} for f in findings],
        "problems": [problem_answer(p, quotes=quotes) for p in file.problems] if inside else [],
        "variants": _variants(file),
    }


def columns_answer(file: File) -> list[dict[str, Any]]:
    """The data dictionary of a file; an example only of columns whose sample the provider released."""
    shown = set(file.released_columns) if file.released_rows else set()
    return [
        {
            "name": column["name"],
            "type": column["type"],
            "nullable": column["nullable"],
            "distinct": column.get("distinct"),
            "description": file.column_notes.get(column["name"], ""),
        }
        | ({"example": column.get("example")} if column["name"] in shown else {})
        for column in file.columns
    ]


def preview(file: File) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of the sample that the provider released; nothing of a recalled file."""
    names = [column["name"] for column in file.columns]
    places = [n for n, name in enumerate(names) if name in set(file.released_columns)]
    if not places or not file.released_rows or file.recalled_at:
        return [], []
    rows = [[row[n] if n < len(row) else "" for n in places] for row in file.sample[: file.released_rows]]
    return [names[n] for n in places], rows


QUOTES = ("value", "title", "before")  # of a file's own words, in what is said of it


def problem_answer(problem: dict[str, Any], *, quotes: bool = True) -> dict[str, Any]:
    """A problem in the reader's language; without `quotes`, the file's own values are left out."""
    plain = {
        name: problem.get(name) for name in ("kind", "level", "count", "line", "column", "cell", "sheet", "member")
    }
    return plain | {
        name: str(text(problem[name]["message"], **_quoted(problem[name]["values"], quotes)))
        if problem.get(name)
        else ""
        for name in ("message", "mend")
    }


def _quoted(values: dict[str, Any], quotes: bool) -> dict[str, Any]:
    return values if quotes else {name: "…" if name in QUOTES else value for name, value in values.items()}


def _variants(file: File) -> dict[str, Any]:
    if file.state != "ready":
        return {}
    variants = {"original": {"size": file.size, "sha256": file.sha256}}
    if file.parquet_key:
        variants["parquet"] = {"size": file.parquet_size, "sha256": file.parquet_sha256}
    return variants


def ticket_answer(ticket: Ticket) -> dict[str, Any]:
    """Where to send the bytes of a file."""
    return {
        "method": ticket.method,
        "url": ticket.url,
        "headers": dict(ticket.headers),
        "expires_at": ticket.expires_at,
    }


def recipient_answer(recipient: Recipient) -> dict[str, Any]:
    """Who received a recalled file."""
    return vars(recipient)


def need_answer(want: Want) -> dict[str, Any]:
    """A want with who joined and what was answered."""
    plain = ("id", "title", "purpose", "description", "theme", "area_codes", "until", "state", "created_at")
    return {name: getattr(want, name) for name in plain} | {
        "organization": organization_answer(want.organization),
        "joined": [organization_answer(join.organization) for join in want.joins],
        "answers": [need_answer_item(answer) for answer in want.answers],
    }


def need_answer_item(answer: WantAnswer) -> dict[str, Any]:
    """A holder's answer to a want."""
    plain = ("id", "kind", "listing_id", "planned_on", "message", "at")
    return {name: getattr(answer, name) for name in plain} | {"organization": organization_answer(answer.organization)}

"""What is true of a holder's own storage place: what may be said of one, what is checked there, what that means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from exchange.errors import N_, Words, text

PLACES_MAX = 20
KEYS_AT_ONCE_MAX = 100
NAME_LENGTH_MAX = 60
KEY_BYTES_MAX = 1_024  # S3's own limit
KINDS = {"role": N_("ロール（AWS、鍵を渡しません）"), "key": N_("アクセスキー（S3互換の保管庫）")}
LOG_SOURCES = {
    "s3-access": N_("S3のサーバーアクセスログ（テキスト）"),
    "s3-json": N_("S3のサーバーアクセスログ（JSON）"),
    "cloudfront": N_("CloudFrontの標準ログ"),
    "gateway": N_("Caddyのアクセスログ（JSON）"),
}
BUCKET = re.compile(r"(?!xn--)[a-z0-9]([a-z0-9.-]{1,61})[a-z0-9]", re.ASCII)
REGION = re.compile(r"(?!cn-)[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}", re.ASCII)
LOG_LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^\x00-\x1f\x7f]{0,500})", re.ASCII)
ACCESS_KEY = re.compile(r"[A-Za-z0-9_./+=-]{3,128}", re.ASCII)
SECRET_KEY = re.compile(r"[\x21-\x7e]{8,256}", re.ASCII)
ROLE_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):role/[\w+=,.@/-]{1,128}", re.ASCII)

# In the order in which they are asked.
CHECKS = {
    "role": N_("ロールを引き受けられる"),
    "external_id": N_("ロールは外部IDなしでは引き受けられない"),
    "read": N_("登録した場所のファイルを読める"),
    "list": N_("登録した場所の外を一覧できない"),
    "write": N_("書き込めない"),
    "logging": N_("アクセスログが記録されている"),
    "log_read": N_("アクセスログを読める"),
}
# Without these nothing is delivered from a place; the others of the first two lines are dangers that one may accept.
NEEDED = ("role", "external_id", "read")
DANGERS = ("list", "write")

# What to do, by check and by what was found.
MENDS = {
    ("role", "refused"): N_("ロールの信頼ポリシーに、下に示した取引市場のアカウントと外部IDを書いてください。"),
    ("role", "own-account"): N_("取引市場自身のAWSアカウントのロールは登録できません。"),
    ("external_id", "open"): N_(
        "このロールは、外部IDなしでも引き受けられます。ほかの組織にロール名を知られると使われるおそれがあるため、信頼ポリシーの条件に sts:ExternalId を加えてください。"
    ),
    ("external_id", "unknown"): N_("確かめられませんでした。しばらくしてから、もう一度確認してください。"),
    ("read", "missing"): N_("確認用のファイルが見つかりません。キー（ファイルの場所）を確かめてください。"),
    ("read", "refused"): N_(
        "読み取りを断られました。登録した場所への s3:GetObject を（版を残すバケットでは s3:GetObjectVersion も）許可してください。"
    ),
    ("read", "wrong-key"): N_("アクセスキーまたはシークレットキーが正しくありません。鍵を入力し直してください。"),
    ("read", "unreachable"): N_("接続先が応答しません。接続先、リージョン、バケット名を確かめてください。"),
    ("read", "key-lost"): N_("保存した鍵を開けません。鍵を入力し直してください。"),
    ("list", "wide"): N_(
        "この鍵では、登録した場所の外にあるファイルの名前も見えます。s3:ListBucket を許可しないか、条件 s3:prefix で登録した場所に限ってください。"
    ),
    ("write", "wide"): N_("この鍵では書き込みもできます。取引市場は読むだけです。s3:PutObject を外してください。"),
    ("list", "unknown"): N_("確かめられませんでした。しばらくしてから、もう一度確認してください。"),
    ("write", "unknown"): N_("確かめられませんでした。しばらくしてから、もう一度確認してください。"),
    ("logging", "off"): N_(
        "このバケットのアクセスログは止まっています。止まっている間、使った分だけ払う提供条件は設定できません。バケットの設定でサーバーアクセスログを有効にしてください。"
    ),
    ("logging", "unknown"): N_(
        "アクセスログの設定を確かめられません。s3:GetBucketLogging を許可するか、アクセスログの置き場所を登録してください。それまで、使った分だけ払う提供条件は設定できません。"
    ),
    ("log_read", "refused"): N_(
        "アクセスログの置き場所を読めません。そこへの s3:ListBucket と s3:GetObject を許可してください。それまで、使った分だけ払う提供条件は設定できません。"
    ),
}
FOUND = {
    ("logging", "on"): N_("バケットの設定で確かめました。"),
    ("logging", "stated"): N_("バケットの設定は見えないため、提供者が登録した置き場所にログがあるものとして扱います。"),
    ("list", "accepted"): N_("外も一覧できますが、提供者が承知のうえで使っています。"),
    ("write", "accepted"): N_("書き込みもできますが、提供者が承知のうえで使っています。"),
}
PASSED = ("passed", "on", "stated", "accepted")


def problems_of(fields: Mapping[str, Any]) -> dict[str, list[Words]]:
    """What is wrong with what a holder says of a new place, by field. Its endpoint's address is looked at elsewhere."""
    wrong: dict[str, list[Words]] = {}
    name = str(fields.get("name") or "").strip()
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        wrong["name"] = [text("名前を%(max)s文字以内で入力してください。", max=NAME_LENGTH_MAX)]
    if not BUCKET.fullmatch(str(fields.get("bucket") or "")) or ".." in str(fields.get("bucket")):
        wrong["bucket"] = [text("バケット名は、英小文字・数字・ハイフン・ピリオドの3文字以上63文字以内です。")]
    if not REGION.fullmatch(str(fields.get("region") or "")):
        wrong["region"] = [text("リージョンは ap-northeast-1 のように入力してください。")]
    if why := prefix_complaint(str(fields.get("prefix") or "")):
        wrong["prefix"] = [why]
    elif not is_under(str(fields.get("probe_key") or ""), str(fields.get("prefix"))):
        wrong["probe_key"] = [
            text("登録する場所の中にあるファイルのキーを、場所の名前から入力してください。例: data/open/確認.csv")
        ]
    return wrong | access_problems(fields) | log_problems(fields)


def access_problems(fields: Mapping[str, Any]) -> dict[str, list[Words]]:
    """What is wrong with the way in: a role of AWS, or an access key."""
    if fields.get("kind") == "role":
        return _role_problems(fields)
    if fields.get("kind") != "key":
        return {"kind": [text("アクセスの方法を選んでください。")]}
    wrong: dict[str, list[Words]] = {}
    if not ACCESS_KEY.fullmatch(str(fields.get("access_key") or "")):
        wrong["access_key"] = [text("アクセスキーIDを入力してください。")]
    if not SECRET_KEY.fullmatch(str(fields.get("secret_key") or "")):
        wrong["secret_key"] = [text("シークレットアクセスキーを入力してください。")]
    return wrong


def _role_problems(fields: Mapping[str, Any]) -> dict[str, list[Words]]:
    wrong: dict[str, list[Words]] = {}
    if not ROLE_ARN.fullmatch(str(fields.get("role_arn") or "")):
        wrong["role_arn"] = [text("ロールのARNは arn:aws:iam::123456789012:role/名前 のように入力してください。")]
    return wrong


def log_problems(fields: Mapping[str, Any]) -> dict[str, list[Words]]:
    """What is wrong with where the access log is said to be; saying nothing is not wrong."""
    source, location = fields.get("log_source") or None, fields.get("log_location") or None
    if source is not None and source not in LOG_SOURCES:
        return {"log_source": [text("アクセスログの種類を選んでください。")]}
    if location is not None and not LOG_LOCATION.fullmatch(str(location)):
        return {"log_location": [text("アクセスログの置き場所は s3://バケット/場所/ のように入力してください。")]}
    if location is not None and source is None:
        return {"log_source": [text("アクセスログの種類を選んでください。")]}
    return {}


def prefix_complaint(prefix: str) -> Words | None:
    """Why a prefix cannot be taken: it names one folder, not the whole bucket."""
    segments = prefix.removesuffix("/").split("/")
    if not prefix.endswith("/") or len(prefix.encode()) > 500 or not prefix.isprintable():
        return text("場所は data/open/ のように、最後に / を付けて入力してください。バケット全体は登録できません。")
    if any(segment in ("", ".", "..") for segment in segments):
        return text("場所に空の区切りや . は使えません。")
    return None


def is_under(key: str, prefix: str) -> bool:
    """Whether a key names an object under a prefix; no dots that a store could read as a way out."""
    rest = key[len(prefix) :]
    plain = key.startswith(prefix) and rest and not rest.endswith("/") and key.isprintable()
    steps_out = any(segment in ("", ".", "..") for segment in rest.split("/"))
    return bool(plain) and not steps_out and len(key.encode("utf-8", "replace")) <= KEY_BYTES_MAX


def state_after(found: Sequence[Mapping[str, str]], *, accepts_wide: bool) -> str:
    """Whether a place may be used, by what was found: all that is needed, and no danger that its holder did not accept."""
    results = {each["check"]: each["found"] for each in found}
    needed = [results.get(name, "passed") for name in NEEDED]
    dangers = [results.get(name, "unknown") for name in DANGERS]
    if any(result != "passed" for result in needed):
        return "refused"
    return "usable" if accepts_wide or all(result in PASSED for result in dangers) else "refused"


def is_logged(found: Sequence[Mapping[str, str]]) -> bool:
    """Whether what leaves can be counted: logging is on, and the log can be read."""
    results = {each["check"]: each["found"] for each in found}
    return results.get("logging") in ("on", "stated") and results.get("log_read") == "passed"


def told(found: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The checks in words: title, whether it is in order, what it means or what to do."""
    return [
        {
            "title": text(CHECKS[each["check"]]),
            "check": each["check"],
            "found": each["found"],
            "passed": each["found"] in PASSED,
            "words": _words(each["check"], each["found"]),
        }
        for each in found
        if each["check"] in CHECKS
    ]


def _words(check: str, found: str) -> Words:
    message = MENDS.get((check, found)) or FOUND.get((check, found))
    return text(message) if message else ""

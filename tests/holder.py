"""A holder's own store, and AWS's STS and IAM beside it: other people's machines, spoken to over HTTP.

The store is `rclone serve s3` behind a front that does what rclone cannot: it keeps a key to its prefix, answers
whether logging is on, and holds sessions to their policy, their end, and the role's denials, as AWS does. The stand-in
of STS and IAM checks what AWS checks: signature, version, parameters and their limits; it answers in AWS's XML.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

from tests.services import free_port, wait_for_port

KEY, SECRET = "holder-access-key", "holder-secret-key-1"
SESSION_KEY, SESSION_SECRET = "ASIAHOLDERSESSION", "session-secret-key-1"
BUCKET, LOGS = "holder-data", "holder-logs"
MANAGED = "objects"  # the exchange's own bucket, passed on to its own store
PREFIX = "data/open/"
ROLE, EXCHANGE_ROLE = "arn:aws:iam::222222222222:role/exchange-reads", "arn:aws:iam::111111111111:role/links"
OWN_ACCOUNT = "111111111111"
NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
LOGGING_ON = (
    f"<BucketLoggingStatus><LoggingEnabled><TargetBucket>{LOGS}</TargetBucket>"
    "<TargetPrefix>access/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>"
)


@dataclass
class Session:
    name: str
    role: str
    policy: dict[str, Any] | None
    issued_at: datetime
    expires_at: datetime
    resources: list[str] = field(default_factory=list)


class Holder:
    """The store, its front, and STS; what they allow may be changed between two requests."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nkd-holder-"))
        self.asked: list[str] = []  # what STS and IAM were asked
        self.reset()

    def reset(self) -> None:
        """A key kept to its prefix for reading, logging on, a role that wants the external id it is told."""
        self.may_read, self.may_list, self.may_write = True, False, False
        self.logging: str | None = LOGGING_ON  # None: the front says nothing of it, rclone answers as it likes
        self.external_ids: dict[str, str | None] = {EXCHANGE_ROLE: None}
        self.sessions: dict[str, Session] = {}
        self.denials: list[dict[str, Any]] = []
        self.asked.clear()
        for name in (BUCKET, LOGS):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir()

    def start(self) -> None:
        port = free_port()
        command = [str(Path(sys.executable).parent / "rclone"), "serve", "s3", str(self.folder)]
        command += ["--addr", f"127.0.0.1:{port}", "--log-level", "ERROR", "--dir-cache-time", "0s"]
        command += ["--auth-key", f"{KEY},{SECRET}", "--auth-key", f"{SESSION_KEY},{SESSION_SECRET}"]
        self.rclone = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.rclone_port = port
        self.front = _serve(_Front, self)
        self.sts = _serve(_Sts, self)
        self.url, self.sts_url = (f"http://127.0.0.1:{s.server_address[1]}" for s in (self.front, self.sts))
        wait_for_port(port)

    def stop(self) -> None:
        for server in (self.front, self.sts):
            server.shutdown()
            server.server_close()
        self.rclone.terminate()
        self.rclone.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def put(self, key: str, body: bytes, bucket: str = BUCKET) -> None:
        """Put an object there, as its holder does: not through the exchange."""
        path = self.folder / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def _serve(handler: type[_Handler], holder: Holder) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.holder = holder  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def holder(self) -> Holder:
        return self.server.holder  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def answer(self, status: int, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in ({"Content-Type": "text/xml"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self) -> None:
        self.handle_one()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def handle_one(self) -> None:
        raise NotImplementedError


class _Front(_Handler):
    """What a bucket policy and AWS's session checks do, then rclone, which checks the signature."""

    def handle_one(self) -> None:
        parts, body = urlsplit(self.path), self.body()
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if "logging" in query and self.holder.logging is not None:
            return self.answer(200, self.holder.logging)
        if why := self._denied(bucket, key, query):
            return self.answer(403, f"<Error><Code>{why}</Code><Message>no</Message></Error>")
        self._pass_on(body, urlsplit(os.environ["TESTS_S3"]).port if bucket == MANAGED else self.holder.rclone_port)

    def _denied(self, bucket: str, key: str, query: dict[str, str]) -> str | None:
        token = query.get("X-Amz-Security-Token") or self.headers.get("X-Amz-Security-Token")
        if token is not None and (why := self._session_denied(token, bucket, key)):
            return why
        if bucket == MANAGED:
            return None
        if self.command not in ("GET", "HEAD"):
            return None if self.holder.may_write else "AccessDenied"
        if not key:
            within = bucket == LOGS or query.get("prefix", "").startswith(PREFIX)
            return None if within or self.holder.may_list else "AccessDenied"
        inside = bucket == LOGS or key.startswith(PREFIX)
        return None if inside and self.holder.may_read else "AccessDenied"

    def _session_denied(self, token: str, bucket: str, key: str) -> str | None:
        session = self.holder.sessions.get(token)
        if session is None:
            return "InvalidToken"
        if session.expires_at <= datetime.now(UTC):
            return "ExpiredToken"
        who = f"AROA:{session.name}"
        for statement in self.holder.denials:
            until = datetime.fromisoformat(statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"])
            if fnmatchcase(who, statement["Condition"]["StringLike"]["aws:userid"]) and session.issued_at < until:
                return "AccessDenied"
        if session.policy is not None:
            arn = f"arn:aws:s3:::{bucket}/{key}"
            if not any(_matches(pattern, arn) for pattern in session.resources):
                return "AccessDenied"
        return None

    def _pass_on(self, body: bytes, port: int | None) -> None:
        onward = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        onward.request(self.command, self.path, body or None, headers)
        got = onward.getresponse()
        data = got.read()
        kept = ("ETag", "Content-Type", "Content-Range", "Last-Modified", "Content-Disposition")
        told = {name: value for name in kept if (value := got.getheader(name))}
        if self.command == "HEAD":
            self.send_response(got.status)
            for name, value in (told | {"Content-Length": got.getheader("Content-Length") or "0"}).items():
                self.send_header(name, value)
            self.end_headers()
        else:
            self.answer(got.status, data, told)
        onward.close()


def _matches(pattern: str, arn: str) -> bool:
    """A resource of a policy: * and ? are wild, ${*} and its like are themselves."""
    parts = re.findall(r"\$\{[*?$]\}|[*?]|[^*?$]+|\$", pattern)
    written = [{"*": ".*", "?": "."}.get(part) or re.escape(re.sub(r"^\$\{(.)\}$", r"\1", part)) for part in parts]
    return re.fullmatch("".join(written), arn, re.DOTALL) is not None


class _Sts(_Handler):
    """AssumeRole, GetCallerIdentity, and IAM's PutRolePolicy."""

    def handle_one(self) -> None:
        body = self.body()
        told = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        self.holder.asked.append(told.get("Action", ""))
        if self.command != "POST" or self.path != "/":
            return self._refuse(400, "MalformedInput", "POST / only")
        service = "iam" if told.get("Version") == "2010-05-08" else "sts"
        if not self._is_signed(service, body):
            return self._refuse(403, "SignatureDoesNotMatch", "signature")
        actions = {
            ("sts", "2011-06-15", "AssumeRole"): self._assume,
            ("sts", "2011-06-15", "GetCallerIdentity"): self._identity,
            ("iam", "2010-05-08", "PutRolePolicy"): self._put_policy,
        }
        deed = actions.get((service, told.get("Version", ""), told.get("Action", "")))
        return deed(told) if deed else self._refuse(400, "InvalidAction", "unknown")

    def _refuse(self, status: int, code: str, words: str) -> None:
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>{words}</Message>"
        self.answer(status, f"<ErrorResponse {NAMESPACE}><Error>{error}</Error></ErrorResponse>")

    def _is_signed(self, service: str, body: bytes) -> bool:
        pattern = r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/(\w+)/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
        found = re.fullmatch(pattern, self.headers.get("Authorization", ""))
        if not found or found[4] != service or found[1] != os.environ["AWS_ACCESS_KEY_ID"]:
            return False
        moment = datetime.strptime(self.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(datetime.now(UTC) - moment) > timedelta(minutes=5) or "host" not in found[5].split(";"):
            return False
        headers = "".join(f"{n}:{' '.join(self.headers[n].split())}\n" for n in found[5].split(";"))
        request = f"POST\n/\n\n{headers}\n{found[5]}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{found[2]}/{found[3]}/{service}/aws4_request"
        text = (
            f"AWS4-HMAC-SHA256\n{self.headers['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        )
        key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        for step in scope.split("/"):
            key = hmac.digest(key, step.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), found[6])

    def _identity(self, told: dict[str, str]) -> None:
        inner = (
            f"<Arn>arn:aws:iam::{OWN_ACCOUNT}:user/exchange</Arn><UserId>AIDA</UserId><Account>{OWN_ACCOUNT}</Account>"
        )
        self._result("GetCallerIdentity", inner)

    def _assume(self, told: dict[str, str]) -> None:
        known = {"Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId"}
        if told.keys() - known:
            return self._refuse(400, "ValidationError", "unknown parameter")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", told.get("RoleSessionName", ""), re.ASCII):
            return self._refuse(400, "ValidationError", "RoleSessionName")
        seconds = told.get("DurationSeconds", "3600")
        if not seconds.isdigit() or not 900 <= int(seconds) <= 43_200:
            return self._refuse(400, "ValidationError", "DurationSeconds")
        if not re.fullmatch(r"[\w+=,.@:/-]{2,1224}", told.get("ExternalId", "--"), re.ASCII):
            return self._refuse(400, "ValidationError", "ExternalId")
        wanted, role = told.get("Policy"), told.get("RoleArn", "")
        if wanted is not None and (len(wanted) > 2048 or not re.fullmatch(r"[\t\n\r\u0020-\u00ff]+", wanted)):
            return self._refuse(400, "PackedPolicyTooLarge", "Policy")
        allowed = self.holder.external_ids.get(role, "nobody")
        if allowed is not None and allowed != told.get("ExternalId"):
            return self._refuse(403, "AccessDenied", "not authorized to perform: sts:AssumeRole")
        self._result("AssumeRole", self._issued(role, told["RoleSessionName"], wanted, int(seconds)))

    def _issued(self, role: str, name: str, wanted: str | None, seconds: int) -> str:
        now, token = datetime.now(UTC), f"Fwo+{secrets.token_urlsafe(120)}/=="
        policy = json.loads(wanted) if wanted else None
        made = Session(name, role, policy, now, now + timedelta(seconds=seconds))
        if policy:
            assert all(
                s["Effect"] == "Allow" and all(a.startswith("s3:Get") for a in s["Action"]) for s in policy["Statement"]
            )
            made.resources = [arn for s in policy["Statement"] for arn in s["Resource"]]
        self.holder.sessions[token] = made
        keys = (SESSION_KEY, SESSION_SECRET)
        if role == EXCHANGE_ROLE:  # the managed store knows one key: what it gives to sessions is that
            keys = (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        return (
            f"<Credentials><AccessKeyId>{keys[0]}</AccessKeyId><SecretAccessKey>{keys[1]}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{made.expires_at:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>AROA:{name}</AssumedRoleId><Arn>{quote(role)}</Arn></AssumedRoleUser>"
        )

    def _put_policy(self, told: dict[str, str]) -> None:
        if told.get("RoleName") != "links" or len(told.get("PolicyDocument", "")) > 10_240:
            return self._refuse(400, "ValidationError", "PutRolePolicy")
        self.holder.denials = json.loads(told["PolicyDocument"])["Statement"]
        self.answer(200, "<PutRolePolicyResponse><ResponseMetadata/></PutRolePolicyResponse>")

    def _result(self, action: str, inner: str) -> None:
        self.answer(
            200,
            f"<{action}Response {NAMESPACE}><{action}Result>{inner}</{action}Result>"
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>",
        )

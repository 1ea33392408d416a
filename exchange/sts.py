"""Sessions of roles (AWS STS AssumeRole): keys for a quarter of an hour, for one name and, with a session policy, for no
more than it says.

A session is kept in this process until too little of it is left, and asked for anew; its keys are nowhere written down.
AWS takes 900 seconds as the least.

Sources: AWS, "AssumeRole", "Session policies", "How to use an external ID", "Revoking IAM role temporary security
credentials".
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from exchange import clock, errors
from exchange.buckets import Keys
from exchange.config import config

SESSION_SECONDS = 900
SLACK_SECONDS = 10  # clocks, and the way to the client
SESSIONS_KEPT = 4_096
POLICY_LENGTH_MAX = 2_048


class RoleRefused(errors.Unavailable):
    """The role may not be assumed, or STS does not answer; `code` is its word for it."""

    title_ja = errors.N_("保管場所のロールを引き受けられません")

    def __init__(self, code: str) -> None:
        super().__init__(errors.text("保管場所のロールを引き受けられません（%(code)s）。", code=code))
        self.code = code


@dataclass(frozen=True)
class Session:
    """Keys of a role, for how long (real time), and which objects they reach; None: all that the role does."""

    keys: Keys
    issued_at: datetime
    expires_at: datetime
    resources: frozenset[str] | None = None

    def seconds_left(self, at: datetime) -> int:
        """Whole seconds for which a link may still be signed with it."""
        return int((self.expires_at - at).total_seconds()) - SLACK_SECONDS


@lru_cache(maxsize=1)
def _client() -> Any:
    import boto3
    from botocore.config import Config

    c = config()
    return boto3.client(
        "sts",
        endpoint_url=c.sts_endpoint_url,
        region_name=c.s3_region,
        aws_access_key_id=c.s3_access_key,
        aws_secret_access_key=c.s3_secret_key,
        config=Config(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=3, read_timeout=5),
    )


@lru_cache(maxsize=1)
def account() -> str:
    """The AWS account of our own credentials, asked once; raises `RoleRefused`."""
    return str(_asked("get_caller_identity")["Account"])


def assume(
    role_arn: str, *, name: str, resources: frozenset[str] | None = None, external_id: str | None = None
) -> Session:
    """A new session of a role, named so, limited to reading these objects; raises `RoleRefused`."""
    more: dict[str, Any] = {"Policy": policy(resources)} if resources is not None else {}
    more |= {"ExternalId": external_id} if external_id else {}
    issued_at = clock.real_now()
    told = _asked("assume_role", RoleArn=role_arn, RoleSessionName=name, DurationSeconds=SESSION_SECONDS, **more)[
        "Credentials"
    ]
    keys = Keys(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])
    # What we asked for is the most we believe, whatever the clock of the other side says.
    expires_at = min(told["Expiration"], issued_at + timedelta(seconds=SESSION_SECONDS))
    return Session(keys, issued_at, expires_at, resources)


def _asked(operation: str, **parameters: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(_client(), operation)(**parameters)
    except ClientError as error:
        raise RoleRefused(str(error.response.get("Error", {}).get("Code", ""))[:40]) from error
    except BotoCoreError as error:
        raise RoleRefused(type(error).__name__) from error


_sessions: OrderedDict[tuple[str, str, str | None], Session] = OrderedDict()
_guard = threading.Lock()


def session(
    role_arn: str,
    *,
    name: str,
    reach: Reach,
    seconds: int,
    external_id: str | None = None,
    after: datetime | None = None,
) -> Session:
    """A session with at least so many seconds left, or as fresh as can be, that reaches these objects.

    One that was issued at or before `after` counts as revoked. What sessions of that name reached before, the new one
    reaches too; where that is too much to name it reaches all that `reach` lies within.
    """
    at, slot = clock.real_now(), (role_arn, name, external_id)
    known = _sessions.get(slot)
    if known is not None and after is not None and known.issued_at <= after:
        known = None
    enough = min(seconds, SESSION_SECONDS - 2 * SLACK_SECONDS)
    if known is not None and known.seconds_left(at) >= enough and reach.is_within(known.resources or frozenset()):
        return known
    made = assume(
        role_arn, name=name, resources=reach.beside(known.resources if known else None), external_id=external_id
    )
    with _guard:
        _sessions.pop(slot, None)
        _sessions[slot] = made
        while len(_sessions) > SESSIONS_KEPT:
            _sessions.popitem(last=False)
    return made


@dataclass(frozen=True)
class Reach:
    """Objects by their ARNs, and what they lie within, for when there are too many to name."""

    objects: frozenset[str]
    whole: str

    def is_within(self, resources: frozenset[str]) -> bool:
        """Whether a session limited to `resources` reaches all of it."""
        return self.whole in resources or self.objects <= resources

    def beside(self, before: frozenset[str] | None) -> frozenset[str]:
        """What a session has to be limited to, to reach this and what was reached before."""
        together = self.objects | (before or frozenset())
        is_short = len(together) < 64 and len(policy(together)) <= POLICY_LENGTH_MAX
        return together if is_short and self.whole not in together else frozenset([self.whole])


def reach(bucket: str, keys: Iterable[str], *, within: str) -> Reach:
    """Objects of a bucket by their keys, all of which begin with `within`."""
    return Reach(
        frozenset(f"arn:aws:s3:::{bucket}/{literal(key)}" for key in keys), f"arn:aws:s3:::{bucket}/{literal(within)}*"
    )


def forget() -> None:
    """Drop all sessions and the client: for another account, or another clock."""
    with _guard:
        _sessions.clear()
    _client.cache_clear()
    account.cache_clear()


def policy(resources: frozenset[str]) -> str:
    """A session policy that lets these objects be read and nothing else. ASCII: STS takes no Japanese as it is."""
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": sorted(resources),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def literal(key: str) -> str:
    """A key as policies write it: signs that mean something there stand for themselves."""
    return "".join(f"${{{sign}}}" if sign in "*?$" else sign for sign in key)

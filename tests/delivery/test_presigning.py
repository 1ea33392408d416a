"""Our signatures are botocore's, byte for byte."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import percent_encode, percent_encode_sequence
from hypothesis import example, given
from hypothesis import strategies as st

from delivery.presigning import Credential, Place, place_of, signed, signer_at
from delivery.rules import content_disposition

PATH_STYLE = "http://127.0.0.1:8000/objects/k"
VIRTUAL_HOSTED = "https://objects.s3.ap-northeast-1.amazonaws.com/k"
AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)

keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\t"), min_size=1, max_size=300)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def by_botocore(
    url: str, key: str, credential: Credential, region: str, expires_in: int, query: dict[str, str], at: datetime
) -> str:
    """What botocore's own signer makes of the same inputs."""
    base = url.removesuffix("k") + percent_encode(key, safe="/~")
    request = AWSRequest("GET", base + ("?" + percent_encode_sequence(query) if query else ""))
    held = Credentials(credential.access_key, credential.secret_key, credential.token)
    signer = S3SigV4QueryAuth(held, "s3", region, expires=expires_in)
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return str(request.url)


@given(
    url=st.sampled_from([PATH_STYLE, VIRTUAL_HOSTED, "https://s3.example:9000/a.b/k", "http://[::1]:8000/objects/k"]),
    key=keys,
    token=st.none() | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=400),
    region=st.sampled_from(["us-east-1", "ap-northeast-1"]),
    expires_in=st.integers(1, 604_800),
    grant=values,
    extra=st.dictionaries(st.sampled_from(["response-content-type", "x-contract", "response-cache-control"]), values),
    offset=st.integers(0, 10_000_000),
)
@example(PATH_STYLE, "住民 基本+台帳 100%/人口.csv", None, "us-east-1", 300, "01hx", {}, 0)
@example(VIRTUAL_HOSTED, "長い名前" * 200, "token+/==", "ap-northeast-1", 900, "a b", {"x-contract": "~*'()"}, 1)
def test_our_signature_is_botocores(url, key, token, region, expires_in, grant, extra, offset):
    credential = Credential("AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    at = AT + timedelta(seconds=offset)
    query = {"x-grant": grant, "response-content-disposition": content_disposition("人口 " + key[:20]), **extra}
    sign = signer_at(place_of(url), credential, region=region, expires_in=expires_in, at=at)
    ours = sign(key, query)
    assert ours == by_botocore(url, key, credential, region, expires_in, query, at)


def test_a_default_port_stays_out_of_the_host_header():
    assert place_of("https://s3.example:443/bucket/k") == Place("https://s3.example:443", "s3.example", "/bucket/")


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
@pytest.mark.parametrize("bucket", ["objects", "with.dots"])
def test_the_place_of_a_bucket_is_boto3s(bucket, region):
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(signature_version="s3v4"),
    )
    theirs = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "人口 1.csv"}, ExpiresIn=300)
    probe = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=300)
    moment = datetime.strptime(theirs.split("X-Amz-Date=")[1][:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    held = Credential("AKIAEXAMPLE", "secret")
    ours = signer_at(place_of(probe), held, region=region, expires_in=300, at=moment)("人口 1.csv", {})
    assert ours == theirs


@given(key=keys, grant=values, place=st.integers(0, 10**6), other=st.characters(codec="ascii"))
@example("人口+台帳 100%~/1.csv", "a b", 40, "x")
def test_our_own_signature_is_known_and_no_other(key, grant, place, other):
    credential = Credential("AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    sign = signer_at(place_of(PATH_STYLE), credential, region="us-east-1", expires_in=300, at=AT)
    uri = sign(key, {"x-grant": grant}).removeprefix("http://127.0.0.1:8000")
    told = {"host": "127.0.0.1:8000", "credential": credential, "region": "us-east-1"}
    found = signed("GET", uri, **told)
    assert (found.path, found.query["x-grant"]) == (f"/objects/{key}", grant)
    assert found.expires_at == AT + timedelta(seconds=300)
    assert signed("HEAD", uri, **told) is None
    assert signed("GET", uri, **told | {"host": "127.0.0.1"}) is None

    place %= len(uri)
    changed = signed("GET", uri[:place] + other + uri[place + 1 :], **told)
    assert changed is None or (changed.path, changed.query) == (found.path, found.query)

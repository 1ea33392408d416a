"""Addresses that others name and we call: only what lies outside, on the internet, over https.

A name is resolved at the moment of connecting, every address it has must be a public one, and the connection goes to
an address that was looked at: a name that answers otherwise the second time gains nothing. With
BUCKETS_ON_PRIVATE_NETWORKS=1 private addresses and http are let through, for stores in the operator's own network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from exchange.config import config
from exchange.errors import N_, Words, text

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_COMPLAINT = N_("https:// で始まる接続先を、パスや ? を付けずに入力してください。例: https://s3.example.jp")
ADDRESS_COMPLAINT = N_("インターネットから届かない接続先（社内やこの機器自身のアドレス）は登録できません。")


class NotOutside(OSError):
    """A host has an address that is not on the public internet."""


def complaint(url: str) -> Words | None:
    """Why an endpoint's URL cannot be taken, or None. Looks at what is written; names are resolved when connecting."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return text(URL_COMPLAINT)
    allowed = ("https", "http") if config().private_buckets else ("https",)
    bare = f"{parts.scheme}://{parts.hostname or ''}" + (f":{port}" if port is not None else "")
    if parts.scheme not in allowed or len(url) > 300 or bare.lower() != url.lower() or not parts.hostname:
        return text(URL_COMPLAINT)
    literal = _literal(parts.hostname)
    if literal is None and not HOST.fullmatch(parts.hostname):
        return text(URL_COMPLAINT)
    if literal is not None and not may_call(literal):
        return text(ADDRESS_COMPLAINT)
    return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def may_call(address: Address) -> bool:
    """Whether an address may be connected to: public, and no way into a private one."""
    if config().private_buckets:
        return True
    return all(found.is_global and not found.is_multicast for found in _meant(address))


def _meant(address: Address) -> list[Address]:
    """The address and those it stands for: IPv4 within IPv6 in its several ways."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            # Its own block counts as public; the address inside says where it leads.
            return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
        if address.ipv4_mapped:
            return [address.ipv4_mapped]
        found += [inner for inner in (address.sixtofour, *(address.teredo or ())) if inner]
    return found


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, all of them looked at; raises `NotOutside`, or `socket.gaierror` where it has none."""
    told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = list(dict.fromkeys(str(entry[4][0]) for entry in told))
    for address in found:
        if not may_call(ipaddress.ip_address(address.partition("%")[0])):
            raise NotOutside(f"{host} is not on the public internet")
    return found

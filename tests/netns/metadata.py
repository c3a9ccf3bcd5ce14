"""A tiny instance metadata service: hands out managed-identity tokens that Azurite accepts.

    python metadata.py ADDRESS PORT

Azurite checks audience, issuer and times of a token, not its signature.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt

TENANT = "11111111-2222-3333-4444-555555555555"
LIFE_S = 3600


def token(audience: str) -> str:
    now = int(time.time())
    claims = {
        "aud": audience.rstrip("/"),
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + LIFE_S,
    }
    return jwt.encode(claims, "not checked by anyone, but long enough", algorithm="HS256")


class Metadata(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        good = self.headers.get("Metadata") == "true" and "/oauth2/token" in parts.path
        if not good:
            self._answer(404, {"error": "not found"})
            return
        audience = parse_qs(parts.query)["resource"][0]
        self._answer(200, {"access_token": token(audience), "expires_in": str(LIFE_S)})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Metadata).serve_forever()

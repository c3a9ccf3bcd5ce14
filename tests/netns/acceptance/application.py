"""The application of the acceptance: runs on the nodes, in place of the samples' file server.

python3 application.py PORT      / says once who answers and when, /stream five times a second for
                                 ever
"""

import http.server
import sys
import time
from pathlib import Path

EVERY_S = 0.2


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.say()
        while self.path == "/stream":
            time.sleep(EVERY_S)
            self.say()

    def say(self) -> None:
        name = Path("/proc/sys/kernel/hostname").read_text().strip()
        self.wfile.write(f"{name} {time.time():.3f}\n".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Page).serve_forever()

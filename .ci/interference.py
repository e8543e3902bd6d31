"""Stands before a stand-in of AWS and does to connections what networks do."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import urllib.parse
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request that came by, such as for `DynamoDB`, `PutItem`."""

    service: str
    operation: str
    body: dict[str, Any]
    headers: http.client.HTTPMessage


class Interference:
    """An address for AWS."""

    def __init__(self, behind: str) -> None:
        self.behind = urllib.parse.urlsplit(behind).netloc
        self.lock = threading.Lock()
        # The operations whose next answers get lost with the connection, after the service did what was asked.
        self.lost: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self.accepted = 0
        self.connections: set[socket.socket] = set()
        # Connections on which nothing is answered any more; or all of them.
        self.deaf: set[socket.socket] = set()
        self.silent = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def cut(self) -> None:
        """Breaks every connection. New ones work."""
        with self.lock:
            while self.connections:
                with contextlib.suppress(OSError):
                    self.connections.pop().shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Every connection stays as it is and is dead, as after a gateway forgot it. New ones work."""
        with self.lock:
            self.deaf |= self.connections


def handler(between: Interference) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with between.lock:
                between.connections.add(self.connection)
                between.accepted += 1

        def finish(self) -> None:
            with between.lock:
                between.connections.discard(self.connection)
                between.deaf.discard(self.connection)
            with contextlib.suppress(OSError):
                super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            service, _, operation = self.headers["x-amz-target"].partition(".")
            with between.lock:
                between.asked.append(Asked(service.partition("_")[0], operation, json.loads(body), self.headers))
                deaf = between.silent or self.connection in between.deaf
                lost = between.lost[operation] > 0 and not deaf
                between.lost[operation] -= lost
            if deaf:
                # Until the other side hangs up.
                self.rfile.read(1)
                self.close_connection = True
                return
            with contextlib.closing(http.client.HTTPConnection(between.behind, timeout=30)) as onward:
                onward.request("POST", self.path, body=body, headers=dict(self.headers))
                answer = onward.getresponse()
                data = answer.read()
            if lost:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            with contextlib.suppress(OSError):
                self.send_response(answer.status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler

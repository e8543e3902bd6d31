"""Stands before a stand-in of AWS and does to connections what networks do."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request that came by, such as for `DynamoDB`, `PutItem`."""

    service: str
    operation: str
    body: dict[str, Any]
    headers: http.client.HTTPMessage


class Interference(ThreadingHTTPServer):
    """An address for AWS."""

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = urllib.parse.urlsplit(behind).netloc
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[Asked] = []
        # Every connection that there was, and those on which nothing is answered any more; or all of them.
        self.connections: list[socket.socket] = []
        self.deaf: list[socket.socket] = []
        self.silent = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def cut(self) -> None:
        """Breaks every connection. New ones work."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Every connection stays as it is and is dead, as after a gateway forgot it. New ones work."""
        self.deaf = [*self.connections]

    def handle_error(self, *_: object) -> None:
        pass  # it was cut


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Interference

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        service, _, operation = self.headers["x-amz-target"].partition(".")
        self.server.asked.append(Asked(service.partition("_")[0], operation, json.loads(body), self.headers))
        if self.server.silent or self.connection in self.server.deaf:
            # Until the other side hangs up.
            self.rfile.read(1)
            self.close_connection = True
            return
        with contextlib.closing(http.client.HTTPConnection(self.server.behind, timeout=30)) as onward:
            onward.request("POST", self.path, body=body, headers=dict(self.headers))
            answer = onward.getresponse()
            data = answer.read()
        self.send_response(answer.status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass

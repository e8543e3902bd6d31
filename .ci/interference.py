"""Stands before a stand-in of AWS and does to it what networks and busy services do."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request that came by."""

    # Such as `DynamoDB`, `PutItem`.
    service: str
    operation: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Fault:
    """What happens to the next requests for an operation."""

    operation: str
    # An error code to answer with, instead of asking the service.
    error: str = ""
    # The service gets the request, and its answer is lost with the connection.
    lost: bool = False
    # The service gets the request, and its answer comes so many seconds late.
    late: float = 0
    times: int = 1


@dataclass
class State:
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    connections: set[socket.socket] = field(default_factory=set)
    # Connections on which nothing is answered any more.
    deaf: set[socket.socket] = field(default_factory=set)
    accepted: int = 0


class Interference:
    """An address for AWS, with a service behind it that may fail."""

    def __init__(self, behind: str) -> None:
        self.behind = urllib.parse.urlsplit(behind).netloc
        self.lock = threading.Lock()
        self.state = State()
        self.silent = threading.Event()
        self.server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """It answers again, at the same address."""
        self.silent.clear()
        if self.server is None:
            self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
            self.port = self.server.server_port
            threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Nobody listens, and every connection is broken."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        self.cut()

    def hush(self) -> None:
        """It takes connections and requests, and never answers."""
        self.silent.set()

    def cut(self) -> None:
        """Breaks every connection. New ones work."""
        with self.lock:
            for connection in self.state.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.state.connections.clear()

    def forget(self) -> None:
        """Every connection stays as it is and is dead, as after a gateway forgot it. New ones work."""
        with self.lock:
            self.state.deaf |= self.state.connections

    def fault(self, operation: str, **what: Any) -> None:
        with self.lock:
            self.state.faults.append(Fault(operation, **what))

    def heal(self) -> list[Fault]:
        """Takes off the faults that are left."""
        with self.lock:
            left, self.state.faults = self.state.faults, []
        return left

    def asked(self, operation: str = "") -> list[Asked]:
        with self.lock:
            return [asked for asked in self.state.asked if operation in ("", asked.operation)]

    @property
    def accepted(self) -> int:
        """How many connections there have been."""
        return self.state.accepted

    def close(self) -> None:
        self.down()

    def _fault_of(self, operation: str) -> Fault | None:
        with self.lock:
            fault = next((fault for fault in self.state.faults if fault.operation == operation), None)
            if fault is not None:
                fault.times -= 1
                if fault.times == 0:
                    self.state.faults.remove(fault)
            return fault

    def _onward(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(self.behind, timeout=30)
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with between.lock:
                    between.state.connections.add(self.connection)
                    between.state.accepted += 1

            def finish(self) -> None:
                with between.lock:
                    between.state.connections.discard(self.connection)
                    between.state.deaf.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = dict(self.headers)
                target = self.headers.get("x-amz-target", "")
                service, _, operation = target.partition(".")
                asked = Asked(service.partition("_")[0], operation, json.loads(body), headers)
                with between.lock:
                    between.state.asked.append(asked)
                    deaf = self.connection in between.state.deaf
                if deaf or between.silent.is_set():
                    # Until the other side hangs up.
                    self.rfile.read(1)
                    self.close_connection = True
                    return
                fault = between._fault_of(operation)
                if fault is not None and fault.error:
                    said = {"__type": f"com.amazonaws#{fault.error}", "message": "as the check wants it"}
                    status = 500 if fault.error == "InternalServerError" else 400
                    self.answer(status, "application/x-amz-json-1.0", json.dumps(said).encode())
                    return
                answer = between._onward(self.path, body, headers)
                if fault is not None and fault.lost:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                time.sleep(fault.late if fault is not None else 0)
                self.answer(*answer)

            def answer(self, status: int, content_type: str, data: bytes) -> None:
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("content-type", content_type)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

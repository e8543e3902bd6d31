"""The stand-in of AWS: moto, one request at a time, on a port of its own choice.

DynamoDB decides a conditional write as one step. moto reads and then writes, so of two requests in two threads both
can win.
"""

import threading

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import run_simple


def one_at_a_time(app):
    lock = threading.Lock()

    def answer(environ, start_response):
        with lock:
            return app(environ, start_response)

    return answer


if __name__ == "__main__":
    app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)

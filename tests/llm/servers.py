"""A real HTTP server on loopback that answers, or misbehaves, as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FaultServer(ThreadingHTTPServer):
    """Answers with `handle(body) -> (status, headers, content)`; keeps the bodies and headers it got.

    `content` is bytes, or an iterator of bytes, sent piece by piece without a length.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.handle = lambda body: chat("hello")
        self.bodies = []
        self.keys = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """A client that has gone is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # the end of the connection is the end of the body

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.keys.append(self.headers.get("Authorization", ""))
        status, headers, content = self.server.handle(body)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        pieces = [content] if isinstance(content, bytes) else content
        if isinstance(content, bytes) and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def running_server():
    with serving(FaultServer()) as server:
        yield server


@contextlib.contextmanager
def serving(server):
    """The server, answering in a thread of its own within the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def chat(text, finish="stop", *, usage=True):
    """A whole chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    if usage:
        answer["usage"] = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return 200, {}, json.dumps(answer).encode()


def event(text=None, finish=None, usage=None):
    """One event of a streamed completion."""
    delta = {} if text is None else {"content": text}
    plain = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    plain["choices"] = [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}]
    if usage:
        plain["usage"] = usage
    return f"data: {json.dumps(plain)}\n\n".encode()


def streamed(*pieces, finish="stop", usage=True):
    """A whole streamed completion."""
    events = [event(piece) for piece in pieces]
    events.append(event(finish=finish))
    if usage:
        events.append(event(usage={"prompt_tokens": 7, "completion_tokens": 3}))
    return 200, {"Content-Type": "text/event-stream"}, iter([*events, b"data: [DONE]\n\n"])


def refuse(message="response_format is not supported", status=400):
    return status, {}, json.dumps({"error": {"message": message}}).encode()


def dripping(head, *, every_s=0.1, seconds=30.0):
    """A reply whose bytes keep coming and that never ends."""

    def pieces():
        yield head
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(every_s)
            yield b" "

    return 200, {}, pieces()

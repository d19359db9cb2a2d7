"""A worker that never answers, for the tests of `agent.llm.child`; started with its way of failing."""

from __future__ import annotations

import sys
import time

from agent.llm.wire import read_message, write_message


def main(mode):
    out = sys.stdout.buffer
    write_message(out, {"ready": {}})
    read_message(sys.stdin.buffer)
    if mode == "silent":
        time.sleep(60)
    started = time.monotonic()
    while time.monotonic() < started + 60:
        gone = time.monotonic() - started
        cpu_s = gone if mode == "computing" else 0.5
        write_message(out, {"beat": 7, "cpu_s": cpu_s})
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])

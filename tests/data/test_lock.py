"""The folder lock: one process at a time, nothing stale after a kill, several handles in one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.data.lock import FolderLock, read_owner
from agent.errors import WorkspaceBusyError

HOLD = """
import sys, time
from pathlib import Path
from agent.data.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]), what="the test folder")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_refused_with_the_owners_pid(tmp_path: Path, holder) -> None:
    with pytest.raises(WorkspaceBusyError, match=f"the test folder is in use by process {holder.pid} "):
        FolderLock(tmp_path / "lock", what="the test folder")


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path, holder) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert read_owner(tmp_path / "lock") == holder.pid
    with FolderLock(tmp_path / "lock", what="the test folder"):
        assert read_owner(tmp_path / "lock") == os.getpid()


def test_handles_of_one_process_share_it_until_the_last_one_closes(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    first, second = FolderLock(path, what="x"), FolderLock(path, what="x")
    first.close()
    first.close()
    assert _other_process_gets_it(path) is False
    second.close()
    assert _other_process_gets_it(path) is True


def test_a_handle_that_is_forgotten_frees_the_lock(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "lock", what="x")
    del lock
    assert _other_process_gets_it(tmp_path / "lock") is True


def test_the_owner_of_no_file_and_of_a_foreign_file_is_none(tmp_path: Path) -> None:
    assert read_owner(tmp_path / "none") is None
    (tmp_path / "lock").write_text("not a pid")
    assert read_owner(tmp_path / "lock") is None


def _other_process_gets_it(path: Path) -> bool:
    code = (
        "import sys; from pathlib import Path; from agent.data.lock import FolderLock\n"
        "from agent.errors import WorkspaceBusyError\n"
        "try: FolderLock(Path(sys.argv[1]), what='x')\n"
        "except WorkspaceBusyError: sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode in {0, 3}
    return done.returncode == 0

"""Process trees are ended as a whole: politely, by force, and where a parent has gone before its child."""

import subprocess
import sys
import time

import psutil
import pytest
from tilewright.common.processes import ProcessTree

SLEEP = "import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); " + SLEEP
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True); "


def run(script, **options):
    return ProcessTree([sys.executable, "-c", script], stdout=subprocess.PIPE, **options)


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_program_that_ends_by_itself_leaves_its_code_and_no_members():
    tree = run("raise SystemExit(7)")
    assert tree.process.wait(30) == 7
    assert tree.members() == set()
    tree.end()
    assert tree.process.returncode == 7


@pytest.mark.parametrize("own_session", [True, False])
def test_what_a_program_started_ends_with_it(own_session):
    tree = run(PARENT + SLEEP, own_session=own_session)
    child = int(tree.process.stdout.readline())
    assert {one.pid for one in tree.members()} == {tree.process.pid, child}
    tree.end()
    assert gone(child) and gone(tree.process.pid) and tree.process.returncode not in (None, 0)


def test_a_child_whose_parent_has_gone_is_ended_too():
    tree = run(PARENT)
    child = int(tree.process.stdout.readline())
    assert tree.members()  # on Windows, it has to be seen before
    assert tree.process.wait(30) == 0
    assert {one.pid for one in tree.members()} == {child}
    tree.end()
    assert gone(child)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no request to end that a program could refuse")
def test_what_does_not_end_when_it_is_asked_to_is_killed():
    tree = run(STUBBORN)
    tree.process.stdout.readline()
    before = time.monotonic()
    tree.end(grace=0.2)
    assert gone(tree.process.pid) and time.monotonic() - before >= 0.2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no request to end that a program could heed")
def test_what_is_asked_to_end_has_time_to_say_goodbye(tmp_path):
    bye = tmp_path / "bye"
    heeding = f"signal.signal(signal.SIGTERM, lambda *_: open({str(bye)!r}, 'w').close() or sys.exit(3))"
    tree = run(f"import signal, sys; {heeding}; print('up', flush=True); {SLEEP}")
    tree.process.stdout.readline()
    tree.end(grace=30)
    assert bye.exists() and tree.process.returncode == 3

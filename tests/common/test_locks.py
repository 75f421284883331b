"""Two processes that write to the same place: one after the other, and never with what a killed one left behind."""

import errno
import multiprocessing
import sys
import time

import pytest
from tilewright.common.locks import HIDDEN, Claim, lock_beside, locked


def hold(lock, ready, seconds):
    with locked(lock):
        ready.set()
        time.sleep(seconds)


@pytest.fixture
def held(tmp_path):
    """A lock that another process holds for a second, and that process."""
    context = multiprocessing.get_context("fork")
    lock, ready = lock_beside(tmp_path / "walls"), context.Event()
    process = context.Process(target=hold, args=(lock, ready, 1.0))
    process.start()
    assert ready.wait(20)
    yield lock, process
    process.kill(), process.join()


def test_the_lock_lies_hidden_beside_its_place(tmp_path):
    assert lock_beside(tmp_path / "walls") == tmp_path / HIDDEN / "walls.lock"
    assert len(lock_beside(tmp_path / ("砖" * 85)).name.encode()) <= 255


def test_the_second_waits_for_the_first(held):
    lock, process = held
    asked = []
    with locked(lock, lambda: asked.append(process.is_alive())):
        assert not asked or asked[0]
    assert asked


def test_waiting_can_be_given_up(held):
    def cancelled():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), locked(held[0], cancelled):
        pytest.fail("it is held by another process")


def test_the_lock_of_a_killed_process_is_free(held):
    lock, process = held
    process.kill(), process.join()
    with locked(lock, lambda: pytest.fail("nobody holds it")):
        pass


def test_a_thread_that_holds_it_goes_on(tmp_path):
    with locked(lock_beside(tmp_path / "a")), locked(lock_beside(tmp_path / "a")):
        pass


def test_a_claim_does_not_wait(held):
    lock, process = held
    assert not Claim(lock).taken
    process.kill(), process.join()
    claim = Claim(lock)
    assert claim.taken and not Claim(lock).taken
    claim.release()
    assert Claim(lock).taken


@pytest.mark.skipif(sys.platform == "win32", reason="this system's locks are others")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_drive_without_locks_is_written_to_and_told_once(tmp_path, monkeypatch, caplog, number):
    import fcntl

    def refused(*_):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    lock = lock_beside(tmp_path / "walls")
    for _ in range(2):
        with locked(lock):
            (tmp_path / "walls").write_text("bricks")
    claim = Claim(lock_beside(tmp_path / "run"))
    assert claim.taken
    claim.release()
    assert not claim.taken
    assert (tmp_path / "walls").read_text() == "bricks"
    told = caplog.text.count("cannot be locked")
    assert told == 1 or (number == errno.ENOSYS and not told)  # for which newer versions of filelock have a way


def test_an_error_that_is_no_lack_of_locks_is_raised(tmp_path):
    (tmp_path / ".tilewright").touch()
    with pytest.raises(OSError, match=r"\.tilewright cannot be written"), locked(lock_beside(tmp_path / "walls")):
        pass

"""kill -9 at any moment: the run that goes on from the last state ends with the same file to the last byte."""

import random
import time

import pytest
from killable_run import STEPS, begun
from safetensors import safe_open

pytestmark = pytest.mark.slow

KILLS = 10


def steps_done(state):
    if not state.exists():
        return 0
    with safe_open(state, "pt") as file:
        return int(file.metadata()["step"])


def test_ten_kills_change_nothing(tmp_path):
    (tmp_path / "whole").mkdir(), (tmp_path / "killed").mkdir()
    undisturbed = begun(tmp_path / "whole")
    undisturbed.join()
    state = tmp_path / "killed" / "output" / "training" / "stripes" / "state.safetensors"
    moments = random.Random(0)
    for kill in range(KILLS):
        before, run = steps_done(state), begun(tmp_path / "killed")
        while steps_done(state) == before and run.is_alive():
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.15))
        run.kill()
        run.join()
        assert run.exitcode != 0 or steps_done(state) == STEPS, f"kill {kill} came too late"
    last = begun(tmp_path / "killed")
    last.join()
    assert undisturbed.exitcode == last.exitcode == 0
    lora = "output/loras/stripes.safetensors"
    assert (tmp_path / "killed" / lora).read_bytes() == (tmp_path / "whole" / lora).read_bytes()

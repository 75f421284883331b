"""Two ComfyUIs on one output folder train under one name at the same time: each leaves its own LoRA and state."""

import pytest
from killable_run import STEPS, begun
from safetensors import safe_open

pytestmark = pytest.mark.slow


def facts(file):
    with safe_open(file, "pt") as opened:
        return opened.metadata()


@pytest.mark.parametrize("seeds", [(1, 2), (1, 1)])
def test_neither_writes_over_the_other(tmp_path, seeds):
    workers = [begun(tmp_path, seed) for seed in seeds]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    loras = [tmp_path / "output" / "loras" / f"{name}.safetensors" for name in ("stripes", "stripes_00002")]
    found = sorted(int(facts(lora)["ss_seed"]) for lora in loras if lora.exists())
    finished_before = [1] if seeds == (1, 1) else None  # the same run, begun when the other had ended, is found again
    assert found in (sorted(seeds), finished_before)
    for lora in loras[: len(found)]:
        assert facts(lora)["ss_steps"] == str(STEPS)
        state = tmp_path / "output" / "training" / lora.stem / "state.safetensors"
        assert facts(state)["step"] == str(STEPS)
    if seeds == (1, 1) and len(found) == 2:
        assert loras[0].read_bytes() == loras[1].read_bytes()

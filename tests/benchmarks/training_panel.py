"""What the log, the controls and an open panel cost a training: CPU time a step, and of each look at a long log.

The CPU time is that of all threads, so it hardly depends on what else the machine does. An open panel looks at every
hint of the run, two a second, the list in the side bar every ten seconds; both share Python's lock with the training.
Over HTTP a look takes a millisecond more, 0.3 % of a core in all. Argument: seconds that a step
takes, for the share (default 0.1: the demo model at 256 px on a CPU core; 0.03 is SDXL at batch 1 on a fast GPU).
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
import folder_paths  # noqa: E402

STEPS = 100_000
PANEL_EVERY, LIST_EVERY = 0.5, 10.0  # seconds


def cpu(action, times=1):
    """Seconds of CPU that one `action` takes."""
    began = time.process_time()
    for _ in range(times):
        action()
    return (time.process_time() - began) / times


def main(step_seconds):
    from tilewright.host.routes.runs import log, runs
    from tilewright.host.run_record import RunRecord

    with tempfile.TemporaryDirectory() as output:
        folder_paths.get_output_directory = lambda: output
        record = RunRecord(Path(output) / "training" / "long", "long.safetensors", None)
        losses, asked = [], []
        with record.course(0, STEPS, can=["stop"]) as controls:

            def step():
                losses.append(0.123456)
                record.step(len(losses), 1e-4, losses)
                asked.append(controls.asked())

            a_step = cpu(step, STEPS)
            record.log.flush()
            first, whole = cpu(lambda: runs({})), cpu(lambda: log({"run": "long"}))
            end, key = (log({"run": "long"}).body[name] for name in ("end", "key"))
            look = cpu(lambda: log({"run": "long", "after": end, "key": key}), 50)
            listed = cpu(lambda: runs({}), 50)
        size = record.log.file.stat().st_size
    share = a_step / step_seconds + look / PANEL_EVERY + listed / LIST_EVERY
    print(f"{STEPS:,} steps, a log of {size / 1e6:.1f} MB")
    print(f"a step's own log line and look for a stop: {a_step * 1e6:.1f} us")
    print(f"the first look at the whole log: {whole * 1e3:.0f} ms; each later one: {look * 1e3:.2f} ms")
    print(f"the first list of runs: {first * 1e3:.0f} ms; each later one: {listed * 1e3:.2f} ms")
    print(f"with panel and list open: {share:.3%} of a training whose steps take {step_seconds} s")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.1)

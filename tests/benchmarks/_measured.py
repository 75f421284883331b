"""One way of doing a thing, in a process of its own: its result, processor time, multiplications and peak memory."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401
import torch  # noqa: E402
from peak_memory import peak_bytes  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402


def attention_flops(query, key, value, *options, **more):
    """Of the attention that torch does not count, the one of a CPU, from (B, heads, cells, channels)."""
    return 4 * query.numel() * key.shape[-2]


attention_flops._get_raw = True  # torch gives a function so marked tensors, others shapes
ATTENTION_ON_CPU = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention_flops}


def in_a_process(script, *arguments):
    """What `measure` saves when `script` runs with these arguments and, as the last one, a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "measured.pt")
        subprocess.run([sys.executable, script, "run", *map(str, arguments), path], check=True)
        return torch.load(path)


def measure(action, path):
    """Run `action`, which returns a tensor, and save what it took. The time is that of all threads together."""
    before, start = peak_bytes(), time.process_time()
    with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
        result = action()
    seconds, work = time.process_time() - start, counter.get_total_flops() / 2
    torch.save({"result": result, "seconds": seconds, "work": work, "bytes": peak_bytes() - before}, path)


def psnr(image, reference):
    return float(-10 * (image.double() - reference.double()).square().mean().log10())

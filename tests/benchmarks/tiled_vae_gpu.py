"""The exact tiled decode of a 4096 px image by SD1.5's autoencoder on a GPU, held to a limit of memory.

Needs a CUDA device. Random weights; the process may not take more than the limit from the device, so a run that needs
more fails. Run with `python run.py bench tiled_vae_gpu [side in pixels] [GB] [tile size]`.
"""

import sys
import time

from _measured import torch
from random_networks import STABLE_DIFFUSION, random_autoencoder

GB = 1e9
ROOM = 0.5  # GB for what is no feature map: the weights, the latent, the image, cuDNN's own


def decode(vae, latents, tile_size, memory):
    from tilewright.nodes.upscale import TiledVAEDecode

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    image, report = TiledVAEDecode.execute({"samples": latents}, vae, tile_size, "both", memory).args
    torch.cuda.synchronize()
    return image, report, time.perf_counter() - start


def main(side=4096, limit=4.0, tile_size=512):
    if not torch.cuda.is_available():
        print("There is no CUDA device here: nothing measured.")
        return
    device = torch.cuda.get_device_properties(0)
    torch.cuda.set_per_process_memory_fraction(min(limit * GB / device.total_memory, 1.0))
    print(f"{device.name}, decode of {side} x {side} px, tiles of {tile_size} px, at most {limit} GB of the device")
    print(f"{'':10}{'seconds':>9}{'peak GB':>9}{'reserved GB':>13}")
    for dtype in (torch.float16, torch.float32):
        with torch.inference_mode():
            vae = random_autoencoder({**STABLE_DIFFUSION, "ch": 128}, dtype)
            decode(vae, torch.randn(1, 4, 64, 64), tile_size, limit - ROOM)  # what the first use takes is left out
            _, report, seconds = decode(vae, torch.randn(1, 4, side // 8, side // 8), tile_size, limit - ROOM)
        peak, reserved = (size / GB for size in (torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()))
        print(f"{str(dtype)[6:]:10}{seconds:9.1f}{peak:9.2f}{reserved:13.2f}  {report}", flush=True)
        del vae
        torch.cuda.empty_cache()


if __name__ == "__main__":
    numbers = sys.argv[1:]
    main(*map(int, numbers[:1]), *map(float, numbers[1:2]), *map(int, numbers[2:3]))

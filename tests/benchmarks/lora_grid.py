"""LoRA Grid and Score Grid beside one queued graph for each picture, on one real server and the demo model.

The graph is the same in both: Load LoRA, two texts, KSampler, VAE Decode, on LoRA files of random numbers. Queued one
by one, pictures come in the order that suits the host best (file, weight, prompt, seed), all queued before the first is
painted. The grid paints them with a node, and is scored after that. Processor seconds are the server's, of all its
threads: what counts on a machine that has other work. A few more are queued to tell which node takes how many. Run with
`python run.py bench lora_grid [cells] [prompts] [seeds] [steps] [size]`; 30, 6, 2, 16 and 256 px if nothing is said.
"""

import json
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, I001
from small_grids import random_lora  # noqa: E402

import psutil  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tilewright.host.demo_model import load_demo_model  # noqa: E402
from tilewright.launch.client import run_prompt  # noqa: E402
from tilewright.launch.hosts import Host  # noqa: E402
from tilewright.launch.server import running_server  # noqa: E402

CFG, SAMPLER, SCHEDULER = 2.0, "dpmpp_2m", "karras"
WEIGHTS = [0.4, 0.7, 1.0]
POLL = 0.5  # seconds: every answer lists all graphs that wait, which takes the server as long as a sampler step
PROMPTS = ["red brick wall", "oak planks", "woven reed", "cobblestone", "hexagon tiles", "grey rock"]


def picture_graph(lora, weight, prompt, seed, steps, size):
    loaded = {"lora_name": lora, "strength_model": weight, "strength_clip": weight}
    sampled = {
        "seed": seed,
        "steps": steps,
        "cfg": CFG,
        "sampler_name": SAMPLER,
        "scheduler": SCHEDULER,
        "denoise": 1.0,
    }
    links = {"model": ["2", 0], "positive": ["3", 0], "negative": ["4", 0], "latent_image": ["5", 0]}
    return {
        "1": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "2": {"class_type": "LoraLoader", "inputs": {"model": ["1", 0], "clip": ["1", 1], **loaded}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["2", 1], "text": prompt}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["2", 1], "text": ""}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": size, "height": size, "batch_size": 1}},
        "6": {"class_type": "KSampler", "inputs": {**links, **sampled}},
        "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["1", 2]}},
        "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": "one_by_one"}},
    }


def grid_graph(loras, prompts, seeds, steps, size):
    painted = {
        "loras": "\n".join(loras), "strengths": " ".join(map(str, WEIGHTS)), "prompts": "\n".join(prompts),
        "seeds": " ".join(map(str, seeds)), "steps": steps, "cfg": CFG, "sampler_name": SAMPLER,
        "scheduler": SCHEDULER, "width": size, "height": size, "negative": "", "name": "bench",
    }  # fmt: skip
    links = {"model": ["1", 0], "clip": ["1", 1], "vae": ["1", 2]}
    return {
        "1": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "2": {"class_type": "TilewrightLoraGrid", "inputs": {**links, **painted}},
    }


def renders_graph(size):
    both = {}
    for node, (folder, seed, count) in {"3": ("training", 1, 12), "4": ("held_out", 90, 8)}.items():
        inputs = {"material": "terrazzo", "count": count, "size": size, "seed": seed, "folder": f"bench_{folder}"}
        both[node] = {"class_type": "TilewrightRenderProcedural", "inputs": inputs}
    return both


def scored_graph(graph, size):
    links = {"grid": ["2", 0], "training": ["3", 0], "held_out": ["4", 0], "fresh_seeds": 0}
    return {**graph, **renders_graph(size), "5": {"class_type": "TilewrightScoreGrid", "inputs": links}}


def queue_all(url, graphs):
    """Queue every graph, and wait until the server has done the last."""
    for graph in graphs:
        body = json.dumps({"prompt": graph}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{url}/prompt", body, {"Content-Type": "application/json"}))
    while True:
        with urllib.request.urlopen(f"{url}/queue") as answer:
            state = json.load(answer)
        if not state["queue_running"] and not state["queue_pending"]:
            return
        time.sleep(POLL)


def timed(server, action):
    """Seconds, and processor seconds of the server."""
    process = psutil.Process(server.process.pid)
    busy, start = sum(process.cpu_times()[:2]), time.monotonic()
    action()
    return time.monotonic() - start, sum(process.cpu_times()[:2]) - busy


def processor_seconds_of_nodes(server, graphs):
    """Of each node class, and of everything between, what one graph takes of the server's processor seconds."""
    process, spent = psutil.Process(server.process.pid), defaultdict(float)
    last = {"at": sum(process.cpu_times()[:2]), "name": "queue, checks and cache"}

    def listen(kind, data):
        if kind in ("executing", "execution_success"):
            now = sum(process.cpu_times()[:2])
            spent[last["name"]] += (now - last["at"]) / len(graphs)
            running = graph.get(data.get("node") or "")
            last.update(at=now, name=running["class_type"] if running else "queue, checks and cache")

    for graph in graphs:
        run_prompt(server.url, graph, listen)
    return dict(sorted(spent.items(), key=lambda one: -one[1]))


def write_loras(folder, count):
    model, clip, _ = load_demo_model()
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"bench_{number:02}.safetensors" for number in range(count)]
    for number, name in enumerate(names):
        save_file(random_lora(model, clip, number), folder / name, {"ss_steps": str(50 * (number + 1))})
    return names


def told(words, seconds):
    print(f"{words:47} {seconds[0]:9.1f} {seconds[1]:9.1f}", flush=True)


def main(cells=30, prompts=6, seeds=2, steps=16, size=256):
    with tempfile.TemporaryDirectory() as folder:
        host = Host(conftest.HOST, Path(sys.executable), ours=True)
        with running_server(host, Path(folder, "base"), Path(folder, "output")) as server:
            loras = write_loras(server.output / "loras", -(-cells // len(WEIGHTS)))
            order = [(lora, weight, prompt, seed) for lora in loras for weight in WEIGHTS
                     for prompt in PROMPTS[:prompts] for seed in range(1, seeds + 1)]  # fmt: skip
            for source in ("3", "4"):
                render = {"9": {"class_type": "PreviewAny", "inputs": {"source": [source, 1]}}}
                run_prompt(server.url, {**renders_graph(size), **render})
            run_prompt(server.url, picture_graph(loras[0], 0.1, "warm", 0, 1, size))
            print(f"{len(order)} pictures of {steps} steps at {size} px: seconds, and seconds of the processor")
            few = [picture_graph(*one[:3], 1000 + n, steps, size) for n, one in enumerate(order[:: len(order) // 12])]
            nodes = processor_seconds_of_nodes(server, few)
            print("one of them, by node: " + ", ".join(f"{name} {spent:.3f}" for name, spent in nodes.items()))
            graphs = [picture_graph(*one, steps, size) for one in order]
            single = timed(server, lambda: queue_all(server.url, graphs))
            told("queued one by one", single)
            graph = grid_graph(loras, PROMPTS[:prompts], range(1, seeds + 1), steps, size)
            grid = timed(server, lambda: run_prompt(server.url, graph))
            told(f"grid, with {prompts * seeds} pictures more, without LoRA", grid)
            scored = timed(server, lambda: run_prompt(server.url, scored_graph(graph, size)))
            told("scores", scored)
    print(f"one by one / grid                               {single[0] / grid[0]:9.2f} {single[1] / grid[1]:9.2f}")
    print(f"scores / grid                                   {scored[0] / grid[0]:9.1%} {scored[1] / grid[1]:9.1%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

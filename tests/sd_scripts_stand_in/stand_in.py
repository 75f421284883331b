"""Behaves as the training scripts of sd-scripts do where Tilewright relies on them, without a model or torch.

Copied under the name of each script into a folder that looks like a checkout. It takes the arguments that
`arguments.json` lists for that script (read from the real parsers), reads the configuration and the dataset
as the real one does, counts steps and epochs as it does, prints the lines that it prints, and writes files of the
same names. `behaviour.json` beside it may say:
  seconds_per_step; sleeps (starts a child and never ends); crash: package | version | memory | killed | assertion |
  tokenizer; at_step (of the crash); no_file; damaged (half a file); nan.
Each call adds a line to `calls.jsonl`.
"""

import argparse
import io
import json
import math
import os
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
SCRIPT = Path(__file__).name
TYPES = {"int": int, "float": float, "str": str, "Path": Path, "int_or_float": float}
SUBSET_KEYS = {
    "image_dir",
    "num_repeats",
    "is_reg",
    "caption_extension",
    "alpha_mask",
    "metadata_file",
    "conditioning_data_dir",
}
REPOSITORIES = {  # what the scripts of flow models ask the hub for, with one of the files that they read
    "flux": {"openai/clip-vit-large-patch14": "vocab.json", "google/t5-v1_1-xxl": "tokenizer.json"},
    "sd3": {
        "openai/clip-vit-large-patch14": "vocab.json",
        "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k": "vocab.json",
        "google/t5-v1_1-xxl": "tokenizer.json",
    },
    "lumina": {"google/gemma-2-2b": "tokenizer.model"},
    "anima": {},
}
LAYERS = {  # what the LoRA of a script names, and how wide it is
    "flux": {"double_blocks_0_img_attn_qkv": 3072, "single_blocks_0_linear1": 3072},
    "sd3": {"joint_blocks_0_x_block_attn_qkv": 1536},
    "lumina": {"layers_0_attention_qkv": 2304},
    "anima": {"blocks_0_self_attn_q_proj": 2048},
    "": {
        "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_q": 320,
        "up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_q": 1280,
    },
}
FLOW = next((stem for stem in REPOSITORIES if SCRIPT.startswith(f"{stem}_")), "")
CRASHES = {
    "package": "ModuleNotFoundError: No module named 'voluptuous'",
    "version": "ImportError: cannot import name 'cached_download' from 'huggingface_hub'",
    "memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
    "assertion": "AssertionError: network for Text Encoder cannot be trained with caching Text Encoder outputs / 不可",
    "tokenizer": "OSError: Can't load tokenizer for 'openai/clip-vit-large-patch14'. If you were trying to load it",
}


def main():
    parser = build_parser()
    args = parser.parse_args()
    behaviour = read_json(HERE / "behaviour.json", {})
    if args.config_file:
        args = parser.parse_args(
            namespace=argparse.Namespace(**tomllib.loads(Path(args.config_file).read_text("utf-8")))
        )
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return 0
    record({"script": SCRIPT, "arguments": sys.argv[1:], "settings": given(args, parser)})
    say("Using v1 tokenizer")
    check_tokenizer(args)
    crash(behaviour, 0)
    train(args, images_of(args), behaviour)
    return 0


def build_parser():
    listed = read_json(HERE / "arguments.json")
    own = listed["scripts"][SCRIPT]
    parser = argparse.ArgumentParser()
    for name, facts in listed["arguments"].items():
        if name in own["lacks"]:
            continue
        facts = own["own"].get(name, facts)
        if facts["type"] == "flag":
            parser.add_argument(f"--{name}", action="store_true", help="switch / スイッチ")
        else:
            parser.add_argument(
                f"--{name}",
                type=TYPES[facts["type"]],
                nargs=facts.get("nargs"),
                choices=facts.get("choices"),
                default=facts.get("default"),
                help="value, default 100%% / 値",
            )
    return parser


def given(args, parser):
    """The settings that differ from the defaults; unlike the real script, one that it does not know is an error."""
    known = {action.dest: action.default for action in parser._actions}
    unknown = set(vars(args)) - set(known)
    if unknown:
        fail(f"{SCRIPT} does not know {sorted(unknown)} from its configuration file")
    return {name: value for name, value in vars(args).items() if value != known[name]} | {
        "dataset_config": str(args.dataset_config)
    }


def check_tokenizer(args):
    if FLOW:
        if not all(is_cached(*one) for one in REPOSITORIES[FLOW].items()):
            fail(CRASHES["tokenizer"])
        return
    tokenizer = Path(args.tokenizer_cache_dir, "openai_clip-vit-large-patch14")
    config = read_json(tokenizer / "tokenizer_config.json", {})
    if config.get("model_max_length") != 77 or not (tokenizer / "vocab.json").is_file():
        fail(CRASHES["tokenizer"])


def is_cached(repository, file):
    """Whether a hub's cache has it, by the hub's own layout."""
    place = Path(os.environ.get("HF_HUB_CACHE", ""), f"models--{repository.replace('/', '--')}")
    reference = place / "refs" / "main"
    return reference.is_file() and (place / "snapshots" / reference.read_text() / file).is_file()


def images_of(args):
    """Number of images with repeats, after the checks that the real script makes of the dataset."""
    file = Path(args.dataset_config)
    config = (json if file.suffix == ".json" else tomllib).loads(file.read_text("utf-8"))
    if set(config) != {"datasets"}:
        fail(f"voluptuous.error.MultipleInvalid: extra keys not allowed @ data[{sorted(config)}]")
    return sum(subset_images(subset) for dataset in config["datasets"] for subset in dataset["subsets"])


def subset_images(subset):
    if extra := set(subset) - SUBSET_KEYS:
        fail(f"voluptuous.error.MultipleInvalid: extra keys not allowed @ data['datasets'][0]['subsets'][0][{extra}]")
    images = sorted(Path(subset["image_dir"]).glob("*.png"))
    if "metadata_file" in subset:
        captions = read_json(Path(subset["metadata_file"]))
        images = [Path(subset["image_dir"], name) for name in captions]
    else:
        for image in images:
            lines = image.with_suffix(subset["caption_extension"]).read_text("utf-8").splitlines(keepends=True)
            if not lines:
                fail(f"AssertionError: caption file is empty / キャプションファイルが空です: {image}")
    if "conditioning_data_dir" in subset:
        missing = [image for image in images if not Path(subset["conditioning_data_dir"], image.name).is_file()]
        if missing:
            fail(f"AssertionError: missing conditioning data for {missing}")
    say(f"found directory {subset['image_dir']} contains {len(images)} image files")
    return len(images) * subset["num_repeats"]


def train(args, images, behaviour):
    batches = math.ceil(images / args.train_batch_size)
    per_epoch = math.ceil(batches / args.gradient_accumulation_steps)
    if args.max_train_epochs:
        steps = args.max_train_steps = args.max_train_epochs * per_epoch
        print(f"override steps. steps for {args.max_train_epochs} epochs is / 指定エポックまでのステップ数: {steps}")
    done_before = load_state(args)
    epochs = math.ceil(args.max_train_steps / per_epoch)
    announce(args, images, batches, epochs)
    skipped, first_epoch = where_to_start(args, batches, per_epoch)
    course = Course(args, behaviour, done_before)
    course.step = skipped
    bar(0, args.max_train_steps - skipped)
    for epoch in range(first_epoch, epochs):
        print(f"\n\nepoch {epoch + 1}/{epochs}\n", flush=True)
        for _ in range(per_epoch - skipped):
            course.one_step(args.max_train_steps, epoch)
            if course.step >= args.max_train_steps:
                break
        skipped = 0
        course.end_of_epoch(epoch + 1, epochs)
    course.finish()


def where_to_start(args, batches, per_epoch):
    """Steps of the first epoch that are passed over, and that epoch: sd-scripts' own way to go on from a state."""
    start = getattr(args, "initial_step", None)
    if start is None:
        start = read_json(Path(args.resume) / "train_state.json")["current_step"] if args.resume else 0
    if not start:
        return 0, 0
    if args.max_train_steps <= start:
        fail(f"AssertionError: max_train_steps should be greater than initial step: {args.max_train_steps} vs {start}")
    if not args.skip_until_initial_step:
        return 0, start // per_epoch
    start *= args.gradient_accumulation_steps
    first = start // per_epoch
    return start - first * batches, first


def load_state(args):
    if not args.resume:
        return 0
    say(f"resume training from local state: {args.resume}")
    with zipfile.ZipFile(Path(args.resume, "optimizer.bin")) as state:
        return int(state.read("updates"))


def announce(args, images, batches, epochs):
    print("running training / 学習開始")
    print(f"  num train images * repeats / 学習画像の数×繰り返し回数: {images}")
    print(f"  num batches per epoch / 1epochのバッチ数: {batches}")
    print(f"  num epochs / epoch数: {epochs}")
    print(f"  batch size per device / バッチサイズ: {args.train_batch_size}")
    print(f"  gradient accumulation steps / 勾配を合計するステップ数 = {args.gradient_accumulation_steps}")
    print(f"  total optimization steps / 学習ステップ数: {args.max_train_steps}", flush=True)


class Course:
    """What happens at each step; updates counts them over all processes of a run."""

    def __init__(self, args, behaviour, updates):
        self.args, self.behaviour, self.updates, self.step, self.shown = args, behaviour, updates, 0, 0
        self.suffix = f".{args.save_model_as}"

    def one_step(self, total, epoch):
        time.sleep(self.behaviour.get("seconds_per_step", 0.01))
        self.step, self.updates, self.shown = self.step + 1, self.updates + 1, self.shown + 1
        crash(self.behaviour, self.step)
        bar(self.shown, total)
        every = self.args.save_every_n_steps
        if every and self.step % every == 0:
            self.save(f"{self.args.output_name}-step{self.step:08d}")
        if self.args.sample_every_n_steps and self.step % self.args.sample_every_n_steps == 0:
            self.sample()
        loss = "nan" if self.behaviour.get("nan") else f"{0.2 / self.updates**0.5:.3g}"
        bar(self.shown, total, loss)

    def end_of_epoch(self, epoch, epochs):
        every = self.args.save_every_n_epochs
        if every and epoch % every == 0 and epoch < epochs:
            self.save(f"{self.args.output_name}-{epoch:06d}")

    def save(self, name, state=True):
        path = Path(self.args.output_dir, name + self.suffix)
        print(f"\nsaving checkpoint: {path}", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = (safetensors if self.suffix == ".safetensors" else pickled)(self.tensors(), self.updates)
        path.write_bytes(weights[: len(weights) // 2] if self.behaviour.get("damaged") else weights)
        if state and self.args.save_state:
            self.save_state(f"{name}-state")

    def save_state(self, name):
        folder = Path(self.args.output_dir, name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train_state.json").write_text(json.dumps({"current_epoch": 1, "current_step": self.step}))
        (folder / "model.safetensors").write_bytes(safetensors({"a": (1,)}, self.updates))
        for part in ("optimizer.bin", "scheduler.bin", "random_states_0.pkl"):
            with zipfile.ZipFile(folder / part, "w") as state:
                state.writestr("updates", str(self.updates))
        say(f"saving state at step {self.step}")

    def sample(self):
        folder = Path(self.args.output_dir, "sample")
        folder.mkdir(parents=True, exist_ok=True)
        for number, _ in enumerate(Path(self.args.sample_prompts).read_text("utf-8").splitlines()):
            (folder / f"{self.args.output_name}_{self.step:06d}_{number:02d}_20260101000000_0.png").write_bytes(PICTURE)

    def tensors(self):
        if "network_dim" not in vars(self.args):
            return {"weight": (4, 4)}
        rank, layers = self.args.network_dim, {}
        for layer, side in LAYERS[FLOW].items():
            name = f"lora_unet_{layer}"
            layers |= {
                f"{name}.lora_down.weight": (rank, side),
                f"{name}.lora_up.weight": (side, rank),
                f"{name}.alpha": (),
            }
        return layers

    def finish(self):
        if self.args.save_state or self.args.save_state_on_train_end:
            self.save_state(f"{self.args.output_name}-state")
        if not self.behaviour.get("no_file"):
            self.save(self.args.output_name, state=False)
        say("model saved.")
        record({"script": SCRIPT, "updates": self.updates})


def bar(step, total, loss=None):
    name = "loss" if "textual_inversion" in SCRIPT else "avr_loss"
    mean = f", {name}={loss}" if loss else ""
    percent = 100 * step // max(1, total)
    print(
        f"\rsteps: {percent:3d}%|{'█' * (percent // 10):10}| {step}/{total} [00:03<00:07,  3.54s/it{mean}]",
        end="",
        file=sys.stderr,
        flush=True,
    )


def crash(behaviour, step):
    kind = behaviour.get("crash")
    if behaviour.get("sleeps") and step == behaviour.get("at_step", 0):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])  # as loader processes are
        record({"child": child.pid})
        time.sleep(600)
    if not kind or step != behaviour.get("at_step", 0):
        return
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    fail(CRASHES[kind])


def fail(message):
    print(
        f'\nTraceback (most recent call last):\n  File "{SCRIPT}", line 1913, in <module>\n{message}', file=sys.stderr
    )
    sys.exit(1)


def say(text):
    print(f"2026-01-01 00:00:00 INFO     {text:80} train_util.py:4744", file=sys.stderr, flush=True)


def record(entry):
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "HF_", "OMP", "VIRTUAL"))}
    facts = {"folder": os.getcwd(), "argv": sys.argv, "path": sys.path, "environment": kept}
    with (HERE / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(entry | facts, default=str) + "\n")


def read_json(path, otherwise=None):
    return json.loads(path.read_text("utf-8")) if otherwise is None or path.is_file() else otherwise


def safetensors(shapes, updates):
    """A safetensors file of float32 tensors, all of the value 0.01."""
    header, end = {"__metadata__": {"ss_steps": str(updates), "ss_network_module": "networks.lora"}}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + struct.pack("<f", 0.01) * (end // 4)


def pickled(shapes, updates):
    """The same as torch saves it: the one thing that needs torch."""
    import torch

    file = io.BytesIO()
    torch.save({name: torch.full(shape, 0.01) for name, shape in shapes.items()}, file)
    return file.getvalue()


PICTURE = bytes.fromhex(  # a 1 x 1 PNG
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)

if __name__ == "__main__":
    sys.exit(main())

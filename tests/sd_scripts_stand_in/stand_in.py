"""Behaves as the training scripts of sd-scripts do where Tilewright relies on them, without a model or torch.

Copied under the name of each script into a folder that looks like a checkout, `stand_in_inputs` and `stand_in_files`
beside it. It takes the arguments that
`arguments.json` lists for that script (read from the real parsers), reads the configuration and the dataset
as the real one does, counts steps and epochs as it does, prints the lines that it prints, and writes files of the
same names. `behaviour.json` beside it may say:
  seconds_per_step; sleeps (starts a child and never ends); crash: package | version | memory | killed | assertion |
  tokenizer; at_step (of the crash); no_file; damaged (half a file); nan.
Each call adds a line to `calls.jsonl`.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

from stand_in_files import PICTURE, pickled, safetensors, shapes_of
from stand_in_inputs import NO_TOKENIZER, REPOSITORIES, check_tokenizer, fail, images_of, read_json, say

HERE = Path(__file__).resolve().parent
SCRIPT = Path(__file__).name
TYPES = {"int": int, "float": float, "str": str, "Path": Path, "int_or_float": float}
FLOW = next((stem for stem in REPOSITORIES if SCRIPT.startswith(f"{stem}_")), "")
CRASHES = {
    "package": "ModuleNotFoundError: No module named 'voluptuous'",
    "version": "ImportError: cannot import name 'cached_download' from 'huggingface_hub'",
    "memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
    "assertion": "AssertionError: network for Text Encoder cannot be trained with caching Text Encoder outputs / 不可",
    "tokenizer": NO_TOKENIZER,
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
    check_tokenizer(args, FLOW)
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
        written = safetensors if self.suffix == ".safetensors" else pickled
        weights = written(shapes_of(vars(self.args), FLOW), self.updates)
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


def record(entry):
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "HF_", "OMP", "VIRTUAL"))}
    facts = {"folder": os.getcwd(), "argv": sys.argv, "path": sys.path, "environment": kept}
    with (HERE / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(entry | facts, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""Through how many files of the pack each of the four journeys of docs/architecture.md leads, counted as it runs.

A file counts where one of its functions is called on the way. Of a caption only those count that are handed its text.
"""

import sys
import tempfile
import threading
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402
import folder_paths  # noqa: E402
import torch  # noqa: E402
from small_runs import SETTINGS, striped_dataset  # noqa: E402
from tilewright.common.texture_dataset import TextureDataset  # noqa: E402
from tilewright.host.demo_model import load_demo_model  # noqa: E402
from tilewright.nodes.captions.template import CaptionTemplate  # noqa: E402
from tilewright.nodes.material.height_to_normal import HeightToNormal  # noqa: E402
from tilewright.nodes.training import TrainLora  # noqa: E402
from tilewright.nodes.upscale import TiledVAEDecode  # noqa: E402

WORD = "zqx"  # in the caption that is followed


def holds_the_word(value: object) -> bool:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple | set):
        return any(isinstance(one, str) and WORD in one for one in value)
    return isinstance(value, str) and WORD in value


def anything(frame: FrameType) -> bool:
    return True


def its_text(frame: FrameType) -> bool:
    code = frame.f_code
    return any(holds_the_word(frame.f_locals.get(name)) for name in code.co_varnames[: code.co_argcount])


def files_entered(action: Callable[[], object], counts: Callable[[FrameType], bool] = anything) -> list[str]:
    """The pack's files in which functions ran, in the order in which they were entered."""
    entered: dict[str, None] = {}

    def follow(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_flags & CO_OPTIMIZED or not code.co_filename.startswith(str(conftest.PACK)):
            return  # the bodies of modules and classes run at an import, and are not optimized
        name = Path(code.co_filename).relative_to(conftest.PACK).as_posix()
        if not name.startswith("tests/") and name not in entered and counts(frame):
            entered[name] = None

    threading.setprofile(follow)
    sys.setprofile(follow)
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(entered)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        folder_paths.set_output_directory(folder)
        model, clip, vae = load_demo_model()
        stripes = striped_dataset(Path(folder))

        def train(dataset: TextureDataset, name: str) -> None:
            TrainLora.execute(model=model, vae=vae, clip=clip, dataset=dataset, **{**SETTINGS, "name": name})

        def caption_and_train() -> None:
            train(CaptionTemplate.execute(stripes, "{trigger}, [filewords]", WORD, "texture")[0], "captioned")

        latent = {"samples": torch.zeros(1, 4, 16, 16)}
        height = torch.zeros(1, 64, 64, 3)
        journeys = {
            "a dataset becomes a LoRA file": files_entered(lambda: train(stripes, "run")),
            "a latent goes through the tiled decode": files_entered(
                lambda: TiledVAEDecode.execute(latent, vae, 64, "both")
            ),
            "height_cm becomes a normal": files_entered(lambda: HeightToNormal.execute(height, height_cm=1.0)),
            "a caption becomes tokens": files_entered(caption_and_train, its_text),
        }
    for name, files in journeys.items():
        print(f"{name}: {len(files)}\n  {' '.join(files)}")


if __name__ == "__main__":
    main()

"""What a real ComfyUI keeps of earlier runs, and what it must not."""

from PIL import Image
from tilewright.launch.client import run_prompt

TEXT = "PreviewAny"


def load(folder, **more):
    widgets = {"folder": folder, "map": "basecolor", "image_limit": 0}
    return {"class_type": "TilewrightLoadDataset", "inputs": widgets | more}


def test_outputs_that_were_deleted_are_written_again(server):
    source = server.base / "input" / "deleted_case"
    source.mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save(source / "wall.png")
    prompt = {
        "1": load("deleted_case"),
        "2": {
            "class_type": "TilewrightSaveDataset",
            "inputs": {"dataset": ["1", 0], "folder": "deleted_case", "layout": "kohya"},
        },
    }
    run_prompt(server.url, prompt)
    (written,) = (server.output / "datasets" / "deleted_case").rglob("*.png")
    written.unlink()
    run_prompt(server.url, prompt)
    assert written.is_file()


def test_the_files_of_a_linked_folder_are_looked_at(server):
    rendered = {"material": "bricks", "count": 1, "size": 64, "seed": 0, "folder": "linked_case"}
    prompt = {
        "1": {"class_type": "TilewrightRenderProcedural", "inputs": rendered},
        "2": load(["1", 1]),
        "3": {"class_type": TEXT, "inputs": {"source": ["2", 2]}},
    }
    first = run_prompt(server.url, prompt)["3"]["text"]
    (render,) = (server.output / "datasets" / "linked_case").glob("*_basecolor.png")
    render.with_suffix(".txt").write_text("by hand", encoding="utf-8")
    assert run_prompt(server.url, prompt)["3"]["text"] != first
    assert "by hand" in str(run_prompt(server.url, prompt)["3"]["text"])

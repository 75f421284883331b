"""Two ComfyUIs on one output folder that render, download and save materials there: nothing of either is lost."""

import asyncio
import ipaddress
import json
import multiprocessing

import torch
from hostile_server import HostileServer
from tilewright.common.manifest import read_manifest
from tilewright.dataset.download import Limits, download_images
from tilewright.dataset.download_list import Wanted
from tilewright.dataset.download_record import DownloadRecord
from tilewright.dataset.procedural.render import render_folder
from tilewright.material.material_files import ExportSettings, SurfaceFacts, save_material

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
LIMITS = Limits(file_bytes=2**20, seconds=20, silence=10, retries=1, first_wait=0.01, longest_wait=0.05)


def both(work, *arguments):
    """Run `work` in two processes at once, each with one of the tuples of arguments."""
    workers = [multiprocessing.Process(target=work, args=one) for one in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]


def download(folder, address):
    wanted = [Wanted(address.format(number=number)) for number in range(4)]
    asyncio.run(download_images(wanted, folder, LIMITS, LOOPBACK, lambda done, total: None))


def test_renders_of_both_are_in_the_manifest(tmp_path):
    both(
        render_folder,
        *((tmp_path, [material], 2, 64, 0, 1.0, ("basecolor",)) for material in ("bricks", "planks")),
    )
    records = read_manifest(tmp_path)
    assert sorted(record.name for record in records) == [
        f"{one}_000{n}" for one in ("bricks", "planks") for n in range(2)
    ]
    assert all((tmp_path / name).is_file() for record in records for name in record.maps.values())


def test_downloads_of_both_are_in_the_record(tmp_path):
    with HostileServer() as server:
        addresses = [f"{server.url}/good.png?of={one}&number={{number}}" for one in "ab"]
        both(download, *((tmp_path, address) for address in addresses))
    record = DownloadRecord(tmp_path)
    wanted = [address.format(number=number) for address in addresses for number in range(4)]
    assert all(record.is_there(address) for address in wanted)
    assert len({record.downloads[address].file for address in wanted}) == 8


def save(folder, value, if_exists):
    maps = {"height": torch.full((1, 1, 16, 16), value)}
    save_material(folder, "brick", maps, SurfaceFacts(height_cm=10 * value), ExportSettings(if_exists=if_exists), {})


def test_materials_of_one_name_get_a_folder_each(tmp_path):
    both(save, *((tmp_path, value, "number") for value in (0.25, 0.75)))
    told = [json.loads((tmp_path / name / "material.json").read_text()) for name in ("brick", "brick_2")]
    assert sorted(one["height_cm"] for one in told) == [2.5, 7.5]


def test_of_a_material_that_both_overwrite_files_and_description_are_of_one(tmp_path):
    both(save, *((tmp_path, value, "overwrite") for value in (0.25, 0.75)))
    (file,) = (tmp_path / "brick").glob("*.png")
    from tilewright.common.images import read_image

    told = json.loads((tmp_path / "brick" / "material.json").read_text())["height_cm"] / 10
    assert abs(float(read_image(file).mean()) - told) < 1e-4

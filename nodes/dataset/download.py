"""The node that downloads the images of a list."""

from pathlib import Path

from comfy_api.latest import io

from ...common.errors import InputError
from ...common.paths import resolve_inside
from ...common.texture_dataset import TextureDataset
from ...dataset.addresses import read_networks
from ...dataset.caption_lookup import AUTOMATIC
from ...dataset.download_list import SCHEMES, Wanted, lines_as_rows, read_list, wanted_images
from ...dataset.download_record import DownloadRecord
from ...dataset.load import ANY, Loading, load_folder
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ..offered import offered
from ..sockets import TextureDatasetSocket
from ..validation import refusing


class DownloadImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightDownloadImages",
            display_name="Download Images",
            category="Tilewright/dataset",
            description="Downloads the images of a public list (CSV, JSON, JSONL or addresses) to output/datasets and "
            "hands them on as a dataset. Does nothing until its switch is on, and goes on where it stopped.",
            search_aliases=[
                "img2dataset",
                "url list",
                "fetch images",
                "scrape",
                "web dataset",
                "csv dataset",
                "laion",
                "download dataset",
            ],
            inputs=[
                io.String.Input(
                    "list",
                    extra_dict=offered("lists"),
                    default="list.csv",
                    multiline=True,
                    tooltip="A file below ComfyUI's input or output folder: .csv, .tsv, .json, .jsonl, or text with an "
                    "address a line. Or the addresses themselves, one a line.",
                ),
                io.String.Input("folder", default="downloaded", tooltip="Folder below output/datasets to write to."),
                io.Boolean.Input(
                    "download",
                    default=False,
                    tooltip="Turn on to ask the servers. Off, the node says what it would fetch, and hands on what "
                    "lies in the folder already.",
                ),
                io.Int.Input(
                    "limit",
                    display_name="max images",
                    default=100,
                    min=1,
                    max=100000,
                    tooltip="How many images of the list to take, from its beginning.",
                ),
                io.String.Input(
                    "column",
                    display_name="address column",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="The column or key that holds the addresses, such as url or image.url. Empty finds it.",
                ),
                io.String.Input(
                    "prefix",
                    display_name="address prefix",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="What comes before entries that are no whole addresses, as lists of file names need.",
                ),
                io.String.Input(
                    "caption_column",
                    display_name="caption column",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="The column that holds captions, which are written beside the images. Empty for none.",
                ),
                io.Int.Input(
                    "max_file_mb",
                    display_name="max file size (MB)",
                    advanced=True,
                    default=64,
                    min=1,
                    max=4096,
                    optional=True,
                    tooltip="Larger files are left out.",
                ),
                io.Float.Input(
                    "max_total_gb",
                    display_name="max total size (GB)",
                    advanced=True,
                    default=10.0,
                    min=0.01,
                    max=10000.0,
                    step=1.0,
                    optional=True,
                    tooltip="When so much has been fetched in one run, no more is.",
                ),
                io.Int.Input(
                    "parallel",
                    display_name="parallel downloads",
                    advanced=True,
                    default=8,
                    min=1,
                    max=32,
                    optional=True,
                    tooltip="How many images are fetched at a time; of one server never more than two.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The images of the list that are there."),
                io.String.Output("report", tooltip="What came, and what failed with its reason."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, list: str | None) -> None:
        if list is not None and not _is_addresses(list):
            resolve_inside(list, folders.readable_folders(), "The list")

    @classmethod
    def fingerprint_inputs(cls, list: str | None, folder: str | None, **_: object) -> object:
        if list is None or folder is None:
            return ""
        record = DownloadRecord(folders.dataset_folder(folder))
        if any(download.reason for download in record.downloads.values()):
            return float("nan")  # never equal: what failed is asked for again
        there = sorted(address for address in record.downloads if record.is_there(address))
        file = None if _is_addresses(list) else resolve_inside(list, folders.readable_folders(), "The list").stat()
        return [there, file and (file.st_size, file.st_mtime_ns)]

    @classmethod
    async def execute(
        cls,
        list: str,
        folder: str,
        download: bool,
        limit: int,
        column: str = "",
        prefix: str = "",
        caption_column: str = "",
        max_file_mb: int = 64,
        max_total_gb: float = 10.0,
        parallel: int = 8,
    ) -> io.NodeOutput:
        from ...dataset.download import Limits, check_aiohttp, download_images
        from ...dataset.download_report import download_report, offer

        path = folders.dataset_folder(folder)
        if prefix and not prefix.lower().startswith(SCHEMES):
            raise InputError(f"prefix is {prefix!r}. It must begin with http:// or https://.")
        wanted = wanted_images(_rows(list), column, prefix, caption_column)
        chosen = wanted[:limit]
        limits = Limits(max_file_mb * 2**20, int(max_total_gb * 2**30), parallel)
        if download:
            check_aiohttp()
            networks = read_networks(folders.private_host_files())
            await download_images(chosen, path, limits, networks, progress_callback())
        record = DownloadRecord(path)
        report = download_report(record, chosen, len(wanted)) if download else offer(record, chosen, limits)
        dataset = _dataset(path, record, chosen, report)
        return io.NodeOutput(dataset, report, ui=previewed(dataset=listing_of(dataset)))


def _is_addresses(text: str) -> bool:
    return "\n" in text.strip() or text.strip().lower().startswith(SCHEMES)


def _rows(text: str) -> list[dict]:
    if _is_addresses(text):
        return lines_as_rows(text)
    return read_list(resolve_inside(text, folders.readable_folders(), "The list"))


def _dataset(path: Path, record: DownloadRecord, chosen: list[Wanted], report: str) -> TextureDataset:
    files = {path / record.downloads[one.address].file for one in chosen if record.is_there(one.address)}
    if not files:
        raise InputError(report)
    samples = load_folder(path, Loading(ANY, folders.readable_folders(), AUTOMATIC), progress_callback()).samples
    return TextureDataset(tuple(sample for sample in samples if sample.file in files))

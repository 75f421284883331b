"""Images of a list of addresses to a folder: a few at a time, checked, resumable, and only from where it is allowed."""

import asyncio
import hashlib
import os
import shutil
import ssl
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import aiohttp
from yarl import URL

from ..common.caption_files import KEEP, write_caption
from ..common.errors import InputError, UnreadableImage
from ..common.image_headers import open_with_pillow
from ..common.images import read_image
from ..common.locks import lock_beside, locked
from .addresses import Network, checked_sockets
from .download_list import Wanted
from .download_record import Download, DownloadRecord

AGENT = "Tilewright (texture datasets for ComfyUI)"
REDIRECTS = (301, 302, 303, 307, 308)
BUSY = (408, 429, 500, 502, 503, 504)  # statuses after which asking again may help
CHUNK = 2**16
ROOM = 2**29  # bytes that stay free on the disk
RECORD_EVERY = 25  # downloads
GIVE_UP = 3  # silences of one host in a row, after which it is not asked for more
_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "AVIF": "avif", "BMP": "bmp", "TGA": "tga", "TIFF": "tif",
             "GIF": "gif", "HEIF": "heic", "JXL": "jxl", "MPO": "jpg"}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """Bounds of a download: bytes of a file and of all, addresses at a time in all and of one host, seconds for a file
    and of silence, redirects to follow, tries again after a busy or broken answer, and the seconds to wait before one.
    """

    file_bytes: int = 64 * 2**20
    total_bytes: int = 10 * 2**30
    parallel: int = 8
    per_host: int = 2
    seconds: float = 300.0
    silence: float = 30.0
    redirects: int = 5
    retries: int = 2
    first_wait: float = 1.0
    longest_wait: float = 30.0


class Failed(Exception):
    """An image that did not come. wait: seconds after which to ask again, None where that cannot help. silent: its
    server gave no answer at all."""

    def __init__(self, reason: str, wait: float | None = None, silent: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.silent = wait, silent


async def download_images(
    wanted: Sequence[Wanted],
    folder: Path,
    limits: Limits,
    allowed: Sequence[Network],
    checked: Callable[[int, int], None],
) -> DownloadRecord:
    """Fetch what of `wanted` does not lie in `folder` yet; returns the folder's record, which tells each one's fate.

    `checked(done, total)` is called at least every half second and may raise to stop: what is there then is recorded,
    and the next run goes on from it. Waits for another process that downloads to the folder. `allowed` are the networks
    that are not public and may be asked all the same.
    """
    with locked(lock_beside(folder), lambda: checked(0, 1)):
        folder.mkdir(parents=True, exist_ok=True)
        record = DownloadRecord(folder)
        missing = [one for one in wanted if not record.is_there(one.address)]
        record.plan((one.address, one.notes) for one in wanted)
        async with _session(limits, allowed) as session:
            await _Run(session, record, limits).fetch_all(missing, checked)
    return record


def _session(limits: Limits, allowed: Sequence[Network]) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0, use_dns_cache=False, ssl=_certificates(), socket_factory=checked_sockets(allowed)
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": AGENT, "Accept": "image/*", "Accept-Encoding": "identity"},
        auto_decompress=False,  # a packed answer may unpack without end
        timeout=aiohttp.ClientTimeout(total=limits.seconds, sock_connect=limits.silence, sock_read=limits.silence),
    )


class _Run:
    def __init__(self, session: aiohttp.ClientSession, record: DownloadRecord, limits: Limits) -> None:
        self.session, self.record, self.limits = session, record, limits
        self.left = limits.total_bytes
        self.done = 0
        self.silences: Counter[str | None] = Counter()  # in a row, by host
        self.hosts: dict[str | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.per_host))

    async def fetch_all(self, missing: Sequence[Wanted], checked: Callable[[int, int], None]) -> None:
        queue = iter(missing)
        workers = {asyncio.create_task(self._work(queue)) for _ in range(self.limits.parallel)}
        pending = workers
        try:
            while pending:
                finished, pending = await asyncio.wait(pending, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                for worker in finished:
                    worker.result()
                checked(self.done, len(missing))
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self.record.write()

    async def _work(self, queue: Iterator[Wanted]) -> None:
        for one in queue:
            known = self.record.downloads[one.address]
            try:
                self.record.downloads[one.address] = await self._fetch(known)
                self._caption(one)
            except Failed as failure:
                self.record.downloads[one.address] = replace(known, file="", reason=str(failure), time=_now())
            self.done += 1
            if self.done % RECORD_EVERY == 0:
                self.record.write()

    async def _fetch(self, known: Download) -> Download:
        url = _checked_url(_parsed(known.address), None)
        async with self.hosts[url.host]:
            attempt = 0
            while True:
                self._check_goes_on(url)
                try:
                    found = await self._attempt(known, url)
                    self.silences[url.host] = 0
                    return found
                except Failed as failure:
                    self.silences[url.host] = self.silences[url.host] + 1 if failure.silent else 0
                    if failure.wait is None or attempt == self.limits.retries:
                        raise
                    wait = max(failure.wait, self.limits.first_wait * 4**attempt)
                await asyncio.sleep(min(wait, self.limits.longest_wait))
                attempt += 1

    def _check_goes_on(self, url: URL) -> None:
        if self.left <= 0:
            raise Failed(self._too_large(0))
        if self.silences[url.host] >= GIVE_UP:
            raise Failed(f"not asked, as {url.host} did not answer {GIVE_UP} times")

    async def _attempt(self, known: Download, url: URL) -> Download:
        part = self.record.folder / f".{known.stem}.part"
        try:
            origin, digest, size = await self._receive(url, part)
            suffix = await asyncio.to_thread(checked_suffix, part)
            file = f"{known.stem}.{suffix}"
            os.replace(part, self.record.folder / file)
        except asyncio.TimeoutError:
            raise Failed("no whole answer in time", wait=0, silent=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _as_failure(error) from None
        finally:
            part.unlink(missing_ok=True)
        return replace(known, file=file, sha256=digest, bytes=size, time=_now(), origin=str(origin), reason="")

    async def _receive(self, url: URL, part: Path) -> tuple[URL, str, int]:
        """Write what an address leads to into `part`: the last address of its redirects, SHA-256 and size."""
        for _ in range(self.limits.redirects + 1):
            async with self.session.get(url, allow_redirects=False) as answer:
                if answer.status not in REDIRECTS:
                    return url, *await self._write(answer, part)
                url = _checked_url(_parsed(answer.headers.get("Location", ""), url), url)
        raise Failed(f"redirects more than {self.limits.redirects} times")

    async def _write(self, answer: aiohttp.ClientResponse, part: Path) -> tuple[str, int]:
        self._check_answer(answer)
        digest, size = hashlib.sha256(), 0
        with part.open("wb") as file:
            async for chunk in answer.content.iter_chunked(CHUNK):
                size += len(chunk)
                self.left -= len(chunk)
                if size > self.limits.file_bytes or self.left < 0:
                    raise Failed(self._too_large(size))
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest(), size

    def _check_answer(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status != 200:
            wait = answer.headers.get("Retry-After", "")
            reason = f"the server says {answer.status} {answer.reason or ''}".strip()
            raise Failed(reason, (float(wait) if wait.isdecimal() else 0) if answer.status in BUSY else None)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise Failed("the server packs its answer, though asked not to")
        if (answer.content_length or 0) > min(self.limits.file_bytes, max(self.left, 0)):
            raise Failed(self._too_large(answer.content_length or 0))
        if shutil.disk_usage(self.record.folder).free < self.limits.file_bytes + ROOM:
            raise Failed("the disk is nearly full")

    def _too_large(self, size: int) -> str:
        if size > self.limits.file_bytes:
            return f"larger than {self.limits.file_bytes / 2**20:g} MB"
        return f"all files together would be larger than {self.limits.total_bytes / 2**30:g} GB"

    def _caption(self, one: Wanted) -> None:
        if one.caption:
            path = self.record.folder / self.record.downloads[one.address].file
            write_caption(path.with_suffix(".txt"), one.caption, KEEP, [self.record.folder])


def checked_suffix(path: Path) -> str:
    """The ending that an image's content asks for, without dot. Raises `Failed` for what is not a whole image."""
    with path.open("rb") as file:
        first = file.read(512).lstrip()
    if first[:1] == b"<":
        raise Failed("a web page or other text, not an image")
    try:
        read_image(path)
    except UnreadableImage as error:
        raise Failed(error.reason) from None
    if first.startswith(b"\x76\x2f\x31\x01"):
        return "exr"
    with open_with_pillow(path) as image:
        return _SUFFIXES[image.format or ""]


def _parsed(text: str, base: URL | None = None) -> URL | None:
    """An address, relative to `base`; None for what is none."""
    try:
        return (base.join(URL(text)) if base else URL(text)) if text else None
    except ValueError:
        return None


def _checked_url(url: URL | None, before: URL | None) -> URL:
    """The address, if it may be asked; `before` is the one that redirected to it. Raises `Failed`."""
    if url is None or url.scheme not in ("http", "https") or not url.host:
        found = "redirects to" if before else "is"
        raise Failed(f"{found} no address that begins with http:// or https://")
    if url.user or url.password:
        raise Failed("holds a name or password")
    if before and before.scheme == "https" and url.scheme == "http":
        raise Failed("redirects from https to http")
    return url


def _as_failure(error: aiohttp.ClientError | OSError | ValueError) -> Failed:
    """What went wrong on the way, in words; whether to ask again."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return Failed(f"its certificate cannot be verified ({getattr(error, 'certificate_error', error)})")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failed(f"cannot be reached: {error.os_error}", silent=True)
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return Failed("the connection broke off", wait=0)
    if isinstance(error, ValueError):
        return Failed(f"its address cannot be asked: {error}")
    if isinstance(error, aiohttp.ClientError):
        return Failed("the answer is no proper HTTP")
    return Failed(f"cannot be written: {error.strerror or error}")


def _certificates() -> ssl.SSLContext:
    """The system's certificates, and those of Mozilla that the host's libraries bring along."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def check_aiohttp() -> None:
    """Raise `InputError` where aiohttp is too old to check the addresses that it connects to."""
    if not hasattr(aiohttp, "SocketFactoryType"):
        raise InputError(f"aiohttp {aiohttp.__version__} cannot check addresses. Update it to 3.12 or newer.")

"""A server on loopback that misbehaves in every way a list of addresses off the web may meet."""

import asyncio
import gzip
import io
import ssl
import struct
import subprocess
import threading
import zlib
from collections import Counter

from PIL import Image


def picture(kind="PNG", size=(48, 32), color=(120, 60, 30)):
    """A whole image file."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def huge_png():
    """A few bytes that claim 100,000 x 100,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    body = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))


def answer(body, status="200 OK", **headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(location, status="302 Found"):
    return answer(b"", status, Location=location)


class HostileServer:
    """`url` is its address; `asked` counts requests by path; `together` is the most it served at a time."""

    def __init__(self, certificate=None):
        self.asked, self.now, self.together = Counter(), 0, 0
        self.certificate, self.ready = certificate, threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(10)
        self.url = f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _run(self):
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "0.0.0.0", 0, ssl=context))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    async def _serve(self, reader, writer):
        self.now += 1
        self.together = max(self.together, self.now)
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split(b" ")[1].decode().split("?")[0]
            self.asked[path] += 1
            await self._misbehave(path, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.now -= 1
            writer.close()

    async def _misbehave(self, path, writer):
        known = getattr(self, "do_" + path.strip("/").split("/")[0].split(".")[0].replace("-", "_"), None)
        if known:
            await known(writer)
        else:
            writer.write(PAGES[path] if path in PAGES else answer(b"", "404 Not Found"))

    async def do_never(self, writer):
        await asyncio.sleep(60)

    async def do_dripping_headers(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(600):
            writer.write(f"X-{number}: 1\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.1)

    async def do_dripping_body(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(600):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    async def do_endless(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 2**16)
            await writer.drain()

    async def do_busy(self, writer):
        busy = self.asked["/busy.png"] == 1
        writer.write(answer(b"", "429 Too Many Requests", Retry_After="0") if busy else answer(picture()))

    async def do_stumbling(self, writer):
        writer.write(answer(picture())[:-20] if self.asked["/stumbling.png"] == 1 else answer(picture()))

    async def do_slow(self, writer):
        await asyncio.sleep(0.05)
        writer.write(answer(picture()))

    async def do_home(self, writer):
        writer.write(redirect(f"http://home.test:{self.port}/good.png"))

    async def do_private(self, writer):
        writer.write(redirect(f"http://127.0.0.1:{self.port}/good.png"))

    async def do_odd_spelling(self, writer):
        writer.write(redirect(f"http://0x7f.1:{self.port}/good.png"))

    async def do_mapped(self, writer):
        writer.write(redirect(f"http://[::ffff:127.0.0.1]:{self.port}/good.png"))


GOOD = picture()
PAGES = {
    "/good.png": answer(GOOD),
    "/a/good.png": answer(picture(color=(1, 2, 3))),
    "/really_a_png.jpg": answer(GOOD, Content_Type="image/jpeg"),
    "/no_name/": answer(picture("WEBP")),
    "/moved.png": redirect("good.png"),
    "/gone.png": answer(b"", "404 Not Found"),
    "/broken.png": answer(b"", "500 Internal Server Error"),
    "/page.jpg": answer(b"<!DOCTYPE html><html>log in first</html>", Content_Type="image/jpeg"),
    "/text.png": answer(b"no picture at all" * 10),
    "/empty.png": answer(b""),
    "/cut.png": answer(GOOD)[:-30],
    "/damaged.png": answer(GOOD[:60] + b"\0" * 40 + GOOD[100:]),
    "/too_many_pixels.png": answer(huge_png()),
    "/claims_much.png": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nxx",
    "/packed.png": answer(gzip.compress(b"\0" * 2**24), Content_Encoding="gzip"),
    "/not_http.png": b"220 ftp.example ready\r\n",
    "/long_header.png": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 2**20 + b"\r\n\r\n",
    "/bad_chunks.png": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnothing\r\n",
    "/hangs_up.png": b"",
    "/circle.png": redirect("/circle.png"),
    "/nowhere.png": redirect(""),
    "/to_file.png": redirect("file:///etc/passwd"),
    "/to_ftp.png": redirect("ftp://127.0.0.1/x.png"),
    "/to_secret.png": redirect("http://user:word@127.0.0.1/x.png"),
    "/named.png": answer(picture(color=(9, 9, 9)), Content_Disposition='attachment; filename="../../escaped.png"'),
}


def self_signed(folder):
    """A certificate that nobody vouches for, with its key, as one PEM file."""
    key, file = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-keyout", key, "-out", file]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file

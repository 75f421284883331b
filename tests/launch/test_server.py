import socket
import sys

import pytest
from tilewright.launch.hosts import PACK, Host, HostError
from tilewright.launch.server import free_port, link_pack, running_server


def test_a_free_port_can_be_listened_on():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_the_pack_is_linked_once_and_a_stale_link_is_replaced(tmp_path):
    link = tmp_path / "custom_nodes" / "tilewright"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "moved away")
    link_pack(tmp_path)
    link_pack(tmp_path)
    assert link.resolve() == PACK


def test_a_comfyui_that_dies_while_starting_is_reported_with_its_last_words(tmp_path):
    (tmp_path / "main.py").write_text("raise SystemExit('the models folder is on fire')")
    host = Host(tmp_path, PACK / sys.executable, ours=True)
    with pytest.raises(HostError, match="the models folder is on fire"):
        with running_server(host, tmp_path / "base", tmp_path / "output"):
            pass


def test_the_server_is_ended_with_the_block(tmp_path):
    (tmp_path / "main.py").write_text(
        "import http.server, sys\n"
        "port = int(sys.argv[sys.argv.index('--port') + 1])\n"
        "http.server.SimpleHTTPRequestHandler.do_GET = lambda self: self.send_response(200) or self.end_headers()\n"
        "http.server.ThreadingHTTPServer(('127.0.0.1', port), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
    )
    host = Host(tmp_path, PACK / sys.executable, ours=True)
    with pytest.raises(KeyboardInterrupt):
        with running_server(host, tmp_path / "base", tmp_path / "output") as server:
            assert server.process.poll() is None
            raise KeyboardInterrupt
    assert server.process.poll() is not None

"""Public addresses are allowed, private ones only where the user names their network."""

import ipaddress
import socket

import pytest
from tilewright.common.errors import InputError
from tilewright.dataset.addresses import PrivateAddress, checked_sockets, is_allowed, read_networks

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]
PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep a machine's keys
    "100.64.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo of 127.0.0.1
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address):
    assert is_allowed(address, [])


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address):
    assert not is_allowed(address, [])


def test_the_user_allows_networks_in_a_file(tmp_path):
    file = tmp_path / "hosts.txt"
    file.write_text("# my shelf\n192.168.1.20\n10.0.0.0/8  # office\nfd00::/8\n\n")
    allowed = read_networks([file])
    assert [is_allowed(address, allowed) for address in ("192.168.1.20", "10.9.9.9", "fd00::5")] == [True] * 3
    assert [is_allowed(address, allowed) for address in ("192.168.1.21", "127.0.0.1", "::1")] == [False] * 3
    assert is_allowed("::ffff:10.0.0.1", allowed)


def test_a_file_of_networks_may_be_utf_16_and_is_named_where_it_is_no_text(tmp_path):
    file = tmp_path / "hosts.txt"
    file.write_text("10.0.0.0/8\n", encoding="utf-16")
    assert [str(network) for network in read_networks([file])] == ["10.0.0.0/8"]
    file.write_bytes(b"10.0.0.0/8 # b\xfcro")
    with pytest.raises(InputError, match="hosts.txt cannot be read: not UTF-8"):
        read_networks([file])


def test_a_line_that_is_no_network_is_named(tmp_path):
    file = tmp_path / "hosts.txt"
    file.write_text("nas.local\n")
    with pytest.raises(InputError, match="names 'nas.local', which is not an address"):
        read_networks([file])


def test_the_socket_of_a_private_address_is_never_opened():
    open_socket = checked_sockets([ipaddress.ip_network("127.0.0.2/32")])
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
    with pytest.raises(PrivateAddress, match="127.0.0.1 is a private or loopback address"):
        open_socket(info)
    open_socket((*info[:4], ("127.0.0.2", 80))).close()

"""Which machines a download may talk to: public ones, and those of the user's own network that the user names."""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..common.caption_files import read_list_text
from ..common.errors import InputError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]  # family, type, protocol, name, (address, port, ...)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class PrivateAddress(OSError):
    """A connection that was refused before it was opened."""


def read_networks(files: Iterable[Path]) -> list[Network]:
    """The networks that text files allow, one a line: 192.168.1.20, 10.0.0.0/8, fd00::/8; # for remarks.

    Raises `InputError` for a line that is none, and for a file that is no text.
    """
    lines = [
        (file, line.split("#")[0].strip()) for file in files for line in read_list_text(file, "The list").splitlines()
    ]
    networks = []
    for file, line in ((file, line) for file, line in lines if line):
        try:
            networks.append(ipaddress.ip_network(line, strict=False))
        except ValueError:
            raise InputError(
                f"{file} names {line!r}, which is not an address or a network. Write one a line, such as "
                "192.168.1.20 or 10.0.0.0/8."
            ) from None
    return networks


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Whether a numeric address is public or in an `allowed` network. IPv4 wrapped in IPv6 counts as what it is."""
    ip = _unwrapped(ipaddress.ip_address(re.sub("%.*", "", address)))  # fe80::1%eth0 names the network card
    return (ip.is_global and not ip.is_multicast) or any(ip in network for network in allowed)


def checked_sockets(allowed: Sequence[Network]) -> Callable[[AddressInfo], socket.socket]:
    """A factory of sockets for aiohttp: it is called with the very address that is about to be connected to.

    So a name that answers otherwise the second time, a redirect and an address in odd spelling all end here. Raises
    `PrivateAddress`.
    """

    def open_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_allowed(address[0], allowed):
            raise PrivateAddress(f"{address[0]} is a private or loopback address, which downloads may not use")
        return socket.socket(family, kind, protocol)

    return open_socket


def _unwrapped(ip: Address) -> Address:
    if ip.version == 4:
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)

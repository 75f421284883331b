"""Reports of what a download would do and what it did."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from .download import Limits
from .download_list import Wanted
from .download_record import RECORD_NAME, DownloadRecord

MOST = 5  # addresses or hosts that are named before a count stands for the rest


def offer(record: DownloadRecord, wanted: Sequence[Wanted], limits: Limits) -> str:
    """What the node would fetch, from whom and where to, while its switch is off."""
    missing = [one.address for one in wanted if not record.is_there(one.address)]
    there = f"{len(wanted) - len(missing)} of {len(wanted)} images lie in {record.folder}."
    if not missing:
        return there
    hosts = list(dict.fromkeys(_host(address) for address in missing))
    return (
        f"{there} Turn on download to fetch the other {len(missing)} from {_named(hosts)}: at most "
        f"{limits.file_bytes / 2**20:g} MB each and {limits.total_bytes / 2**30:g} GB in all."
    )


def download_report(record: DownloadRecord, wanted: Sequence[Wanted], listed: int) -> str:
    """How many of the wanted images are there, those that are not by reason, and how many more the list holds."""
    there = [one for one in wanted if record.is_there(one.address)]
    size = sum(record.downloads[one.address].bytes for one in there) / 2**20
    lines = [f"{len(there)} of {len(wanted)} images lie in {record.folder} ({size:.1f} MB); {RECORD_NAME} says whence."]
    if listed > len(wanted):
        lines.append(f"The list holds {listed - len(wanted)} more; raise limit for them.")
    reasons: dict[str, list[str]] = {}
    for one in wanted:
        if not record.is_there(one.address):
            reasons.setdefault(record.downloads[one.address].reason, []).append(one.address)
    if reasons:
        lines.append(f"{len(wanted) - len(there)} did not come; they are asked for again next time:")
        lines += [f"  {reason}: {_named(addresses)}" for reason, addresses in reasons.items()]
    return "\n".join(lines)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or address
    except ValueError:
        return address


def _named(items: Sequence[str]) -> str:
    more = [f"and {len(items) - MOST} more"] if len(items) > MOST else []
    return ", ".join([*items[:MOST], *more])

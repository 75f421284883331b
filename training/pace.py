"""How fast a run goes, in the words that a node shows while it trains."""

TOLD_EVERY = 3.0  # seconds between two lines of text in the node


def pace(left: int, speed: float) -> list[str]:
    """Steps per second, and the time that the steps `left` take at that `speed`."""
    minutes, seconds = divmod(round(left / speed), 60)
    return [f"{speed:.2f} it/s", f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02} left"]

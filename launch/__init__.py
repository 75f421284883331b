"""The commands of `run.py`: finding or installing a ComfyUI, starting it, talking to it."""

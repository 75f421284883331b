"""What `run.py` does: find or install a ComfyUI, start it, talk to it."""

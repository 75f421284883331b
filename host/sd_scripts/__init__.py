"""Between ComfyUI and kohya's sd-scripts: a checkpoint, a dataset and settings go in, the trained files come out."""

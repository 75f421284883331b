"""Training through kohya's sd-scripts: a checkpoint, a dataset and settings go in, trained files come out."""

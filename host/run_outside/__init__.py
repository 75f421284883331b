"""A training outside the graph: all of it but the model's file is written into a folder, which processes train.

export writes the folder that an artist asked for, with writing and model_source (which file the model came from).
train is what each process runs, outside_run its training; processes starts them for a graph that waits.
"""

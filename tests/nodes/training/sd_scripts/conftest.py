from sd_scripts_stand_in.fixtures import checkout, checkpoints, dataset, output  # noqa: F401

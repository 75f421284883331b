from sd_scripts_stand_in.fixtures import checkout, checkpoints, dataset, output, train_lora  # noqa: F401

"""How large UNets are, in the words of the host's configuration: those of the real models, and one for tests."""

FULL_SIZE = {
    "SD1": {
        "model_channels": 320,
        "channel_mult": [1, 2, 4, 4],
        "num_res_blocks": [2] * 4,
        "transformer_depth": [1] * 6 + [0] * 2,
        "transformer_depth_output": [1] * 9 + [0] * 3,
        "transformer_depth_middle": 1,
        "context_dim": 768,
    },
    "SDXL": {
        "model_channels": 320,
        "channel_mult": [1, 2, 4],
        "num_res_blocks": [2] * 3,
        "transformer_depth": [0, 0, 2, 2, 10, 10],
        "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
        "transformer_depth_middle": 10,
        "context_dim": 2048,
    },
}
SMALL = {
    "model_channels": 32,
    "channel_mult": [1, 2],
    "num_res_blocks": [1, 1],
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1] * 4,
    "transformer_depth_middle": 1,
    "context_dim": 32,
}

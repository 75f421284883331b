"""Training nodes: the in-graph trainer with its settings, and the same through sd-scripts."""

from comfy_api.latest import io

from .demo_model import DemoModel
from .export_run import ExportTrainingRun
from .lora_network import LoraNetwork
from .lora_objective import LoraObjective
from .lora_optimizer import LoraOptimizer
from .lora_saving import LoraSaving
from .train_lora import TrainLora
from .train_sd_scripts import TrainLoraKohya, TrainModelKohya

NODES: list[type[io.ComfyNode]] = [
    DemoModel,
    TrainLora,
    LoraNetwork,
    LoraOptimizer,
    LoraObjective,
    LoraSaving,
    TrainLoraKohya,
    TrainModelKohya,
    ExportTrainingRun,
]

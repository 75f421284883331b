import pytest
from tilewright.common.buckets import Buckets
from tilewright.sd_scripts.settings import KohyaOptions, script_settings
from tilewright.sd_scripts.tasks import LORA, Job
from tilewright.training.config import TrainingConfig


def bucket_settings(given, **options):
    config = TrainingConfig(resolution=512)
    settings = script_settings(Job(LORA, "SD1"), config, KohyaOptions(**options), given)
    return {name: value for name, value in settings.items() if "bucket" in name}


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        (Buckets(), {"min_bucket_reso": 256, "max_bucket_reso": 1024}),
        (Buckets(320, 768, 32), {"min_bucket_reso": 320, "max_bucket_reso": 768, "bucket_reso_steps": 32}),
        (Buckets(upscale=False), {"min_bucket_reso": 256, "max_bucket_reso": 1024, "bucket_no_upscale": True}),
        (Buckets(maximum=256), {"min_bucket_reso": 256, "max_bucket_reso": 512}),  # it refuses a smaller one
    ],
)
def test_the_datasets_buckets_are_told_to_sd_scripts(buckets, expected):
    assert bucket_settings(buckets) == {"enable_bucket": True, **expected}


def test_without_buckets_nothing_is_told():
    assert bucket_settings(Buckets(320, 768, 32, False), buckets=False) == {}

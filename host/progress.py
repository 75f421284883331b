"""Progress and interruption for algorithms that know nothing of ComfyUI."""

from collections.abc import Callable

import comfy.model_management
import comfy.utils


def progress_callback() -> Callable[[int, int], None]:
    """A function to call with (done, total) after each piece of work. It raises when the user cancels the run."""
    progress = comfy.utils.ProgressBar(1)

    def checked(done: int, total: int) -> None:
        progress.update_absolute(done, total)
        comfy.model_management.throw_exception_if_processing_interrupted()

    return checked

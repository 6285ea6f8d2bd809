"""A teacher's targets, written for many trainings."""

from pathlib import Path

from tasks.common.commands.recording import say, write_report
from tasks.common.commands.request import Request
from tasks.common.distillation.alone import teacher_and_data
from tasks.common.distillation.target_table import write_targets
from tasks.common.training.trainer_settings import check_added


def cache_targets(request: Request) -> str:
    """Writes a teacher's targets for a task's training photos.

    Args:
        request: Of ``configs/cache_teacher.yaml``.

    Returns:
        What was done.
    """
    config = request.config
    check_added(request.overrides)
    data, teacher = teacher_and_data(config, request.choices)
    folder = Path(str(config.output))
    done = write_targets(teacher, data, folder, trainer=config.trainer)
    write_report(folder, [done, *data.report_lines()])
    say(data.report_lines())
    return done

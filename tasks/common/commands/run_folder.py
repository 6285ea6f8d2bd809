"""What an earlier command left in a folder: kept, unless a new one is to replace it."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from backbone.errors import InputError
from tasks.common.commands.request import Request
from tasks.common.files.folders import make_folder
from tasks.common.images.finding import Found, PathList, find_photos
from tasks.common.synthetic.write_once import OtherDataError

if TYPE_CHECKING:
    from tasks.common.data.module import DataModule

# All that commands write to a run_dir= or output=, as patterns in it; data that a run draws stay.
PICTURES = "pictures/**/[0-9][0-9][0-9][0-9][0-9]*_*.jpg"
CHECKPOINTS = ("checkpoints/last.ckpt", "checkpoints/best.ckpt")
RESULTS = (
    *("config.yaml", "metrics.json", "metrics.csv", "diverged.json", "weights.safetensors"),
    *("curves.png", "predictions.json", "predictions.jsonl", "predictions.csv"),
    *(
        "predictions.geojson",
        "predictions.parquet",
        "predictions.npz",
        "made_by.json",
        "films/[0-9][0-9][0-9][0-9][0-9]_*.mp4",
    ),
    *CHECKPOINTS,
    *("tensorboard/events.out.tfevents.*", "tensorboard/hparams.yaml"),
    PICTURES,
)
BESIDE = (  # other commands or users may have files of these names: no results by themselves
    *("report.txt", "classes.csv", "confusions.csv", "attributes.csv", "groups.csv"),
    *("distances.csv", "confusion.png", "precision_recall.png", "distances.png", "sheet.jpg"),
    *("pictures/**/[0-9][0-9][0-9][0-9][0-9]*_*.html", "pictures/roc.png"),
)
RANDOM = "[a-z0-9_]" * 8  # of the temporary files that a killed process leaves
SHOWN = 3  # names of files, in a refusal
TOLD = {"run_dir": "MOBILENET_RUN_DIR", "output": "MOBILENET_OUTPUT"}  # to started processes
RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")


class Results(NamedTuple):
    """A folder for results, and what to remove from it before there are new ones.

    Attributes:
        folder: That exists.
        earlier: Files of an earlier command, which the user lets go.
        replaces: Whether the user lets go what an earlier command left.
        kept: Files of an earlier command that goes on.
    """

    folder: Path
    earlier: Sequence[Path]
    replaces: bool
    kept: Sequence[Path] = ()

    def photos(self, path: object) -> list[Path]:
        """The images that ``found`` finds."""
        return list(self.found(path).photos)

    def found(self, path: object, *, films: bool = False) -> Found:
        """The images that a path stands for, but for those in this folder or drawn for it.

        Args:
            path: What stands for them.
            films: Whether films are looked for, too.

        Raises:
            InputError: If there are no others.
        """
        found = find_photos(str(path), without=self.folder, films=films)
        drawn = {old.resolve() for old in (*self.earlier, *self.kept)}
        if drawn:
            photos = PathList(image for image in found.photos if image.resolve() not in drawn)
            moving = [film for film in found.films if Path(film).resolve() not in drawn]
            found = found._replace(photos=photos, films=moving)
        if not (found.photos or found.films):
            raise InputError(f"{path}: these pictures would be replaced. Give another output=")
        return found

    def make_way(self) -> None:
        """Removes what is earlier: to be called when nothing more can be refused."""
        self._remove(self.earlier)

    def take_back(self) -> None:
        """Removes what a new command has begun, if it is refused before it has anything to keep."""
        with contextlib.suppress(OSError):  # Windows keeps files that are open
            self._remove(left_in(self.folder, RESULTS))

    def _remove(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            while folder != self.folder and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent


def claim_run(request: Request, *, reads: Iterable[object] = (), resumed: object = None) -> Results:
    """Makes the run folder, or takes one without a run.

    Args:
        request: With ``run_dir`` and ``overwrite``.
        reads: Files that the command needs, which it must not remove.
        resumed: ``last`` or the checkpoint of the run to go on with; a run that goes on in its
            own folder claims nothing.

    Raises:
        InputError: If another run is there and not to be replaced.
    """
    folder = own_folder(request, "run_dir")
    if resumed and (resumed == "last" or _is_within(Path(str(resumed)), folder / "checkpoints")):
        if request.config.overwrite:
            raise InputError(
                f"overwrite=true would remove the run that resume={resumed} goes on with: give one "
                "of the two"
            )
        return Results(folder, [], replaces=False)
    return _claim(request, "run_dir", folder, reads=reads, trains=True)


def claim_scores(request: Request, *, reads: Iterable[object] = ()) -> Results:
    """As ``claim_run``, for a command that trains nothing: it never replaces a training."""
    folder = own_folder(request, "run_dir")
    return _claim(request, "run_dir", folder, reads=reads)


def claim_output(
    request: Request, *, reads: Iterable[object] = (), written: Sequence[str] = RESULTS
) -> Results:
    """As ``claim_scores``, of the folder ``output``, for a command that writes files of its own."""
    folder = own_folder(request, "output")
    return _claim(request, "output", folder, reads=reads, written=written)


def check_file(setting: str, path: Path, *, overwrite: object) -> None:
    """Refuses a file to write that is there already, unless the user lets it go."""
    _check_overwrite(overwrite)
    if path.exists() and not overwrite:
        raise InputError(
            f"{setting}={path} is there already. Give another name, or overwrite=true to replace it"
        )


def left_in(folder: Path, patterns: Iterable[str] = (*RESULTS, *BESIDE)) -> list[Path]:
    """The files in a folder that commands of ours have written there, as it seems."""
    inside = [folder, *(folder / part for part in _parts(folder))]
    found = [path for place in inside for pattern in patterns for path in place.glob(pattern)]
    return sorted(path for path in found if path.is_file())


def own_folder(request: Request, setting: str) -> Path:
    """Makes where a command writes: what the setting says, and never where another one does.

    Each job of a sweep has a folder of its own in the one that is named. Without a name it is one
    of what the command is about and the time, with a number if that is taken. The processes of
    a distributed run start at different seconds: the first one's folder is theirs.

    Raises:
        InputError: If it cannot be made.
    """
    named = request.config[setting]
    if "TORCHELASTIC_RUN_ID" in os.environ:  # all are started at once, and none tells the others
        return make_folder(setting, named)
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return make_folder(setting, os.environ.get(TOLD[setting], named))
    if setting == "run_dir" and named is None:
        about = request.choices.get("task") if request.command == "train" else request.command
        now = f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
        named = request.job.sweep if request.job else Path("runs", str(about), now)
    folder = Path(str(named)) if named not in (None, "") else None
    inside = setting == "output" and folder and _is_in_run_folder(folder)
    if folder and request.job is not None and not inside:
        folder /= request.job.name
    if folder and request.config[setting] is None:
        folder = _unused(folder)
    made = make_folder(setting, folder)
    os.environ[TOLD[setting]] = str(made)
    return made


def forget_folders() -> None:
    """Ends what the processes of a command are told of its folders, when it has ended itself."""
    for name in TOLD.values():
        os.environ.pop(name, None)


def _claim(
    request: Request,
    setting: str,
    folder: Path,
    *,
    reads: Iterable[object],
    written: Sequence[str] = RESULTS,
    trains: bool = False,
) -> Results:
    if not _is_first_process():
        return Results(folder, [], replaces=False)
    replaces = _may_replace(request)
    results = left_in(folder, written)
    if not results:
        return Results(folder, [], replaces)
    names = ", ".join(str(path.relative_to(folder)) for path in results[:SHOWN])
    said = f"{setting}={folder} holds results already ({names}{', ...' * (len(results) > SHOWN)})"
    other = f"Give another {setting}="
    if left_in(folder, CHECKPOINTS) and not trains:
        raise InputError(f"{said}, of a training, which only a training replaces. {other}")
    if not replaces:
        last = " resume=last to go on," if trains and folder / CHECKPOINTS[0] in results else ""
        last = last or " skip_existing=true to go on," * (folder / "made_by.json" in results)
        raise InputError(f"{said}. {other} to keep them,{last} or overwrite=true to replace them")
    earlier = results if written != RESULTS else [*left_in(folder), *_unfinished(folder)]
    needed = {Path(str(path)).resolve() for path in reads if path}
    if lost := needed & {path.resolve() for path in earlier}:
        raise InputError(f"{said}, and {lost.pop()} among them, which is needed. {other}")
    return Results(folder, earlier, replaces)


def _may_replace(request: Request) -> bool:
    """What ``overwrite`` says; null is yes but for folders that the user has named."""
    overwrite = request.config.overwrite
    _check_overwrite(overwrite)
    if overwrite is None:
        given = {override.partition("=")[0] for override in request.overrides}
        return not {"run_dir", "output"} & given
    return bool(overwrite)


def _check_overwrite(value: object) -> None:
    if not isinstance(value, bool | None):
        raise InputError(f"overwrite={value}: true or false is needed")


def _parts(folder: Path) -> list[str]:
    """The folders in which a run of several tasks in one has the results of each."""
    try:
        parts = OmegaConf.select(OmegaConf.load(folder / "config.yaml"), "task.parts")
    except (OSError, ValueError, YAMLError, OmegaConfBaseException):
        return []  # or somebody else's file
    names = map(str, parts) if isinstance(parts, DictConfig) else ()
    return [name for name in names if name.isidentifier()]  # lest one leads out of the folder


def _unfinished(folder: Path) -> Iterator[Path]:
    """Temporary files of commands that were killed while they wrote."""
    for pattern in (*RESULTS, *BESIDE):
        if "*" not in pattern:
            place, _, name = pattern.rpartition("/")
            yield from (folder / place).glob(f".{name}.{RANDOM}")


def _unused(folder: Path) -> Path:
    """Makes a folder, with a number after its name if another command has just made that."""
    make_folder("run_dir", folder.parent)
    for number in itertools.count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}_{number}")
        with contextlib.suppress(FileExistsError):
            candidate.mkdir()
            return candidate
    raise AssertionError("there is always another number")


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _is_in_run_folder(folder: Path) -> bool:
    """Whether it is inside the job's own run folder, as a demo's is that has trained first."""
    return _is_within(folder, Path(os.environ.get(TOLD["run_dir"], folder / "elsewhere")))


def _is_first_process() -> bool:
    """Whether this is the first process of its run, on the first of its machines."""
    return all(os.environ.get(name, "0") == "0" for name in RANKS)


def draw_data(data: "DataModule", results: Results) -> None:
    """Draws what data draw, in the place of what an earlier run drew if that is to be replaced.

    Raises:
        InputError: If other data are in the way.
    """
    while True:
        try:
            return data.prepare_data()
        except OtherDataError as error:
            if not (results.replaces and error.root.is_relative_to(results.folder.resolve())):
                raise
            shutil.rmtree(error.root)

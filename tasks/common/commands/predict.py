"""Prediction on photos and films with a network from a file, a list to read aloud."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backbone.errors import InputError, check_flag
from tasks.common.commands.recording import say, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import Results, claim_output, left_in, own_folder
from tasks.common.files.contents import say_files
from tasks.common.images.finding import Found
from tasks.common.machine.stopping import StoppedError
from tasks.common.predictions.drawing import Pictures
from tasks.common.predictions.entries import EntryFile
from tasks.common.predictions.exported import ExportedNetwork, check_torch, why_torch
from tasks.common.predictions.film_files import check_films
from tasks.common.predictions.films import FilmViewer
from tasks.common.predictions.formats import LINES, write_formats
from tasks.common.predictions.made_by import FILE, check_made_by, made_by, write_made_by
from tasks.common.predictions.network import Network, check_shown
from tasks.common.predictions.wanted import wanted
from tasks.common.predictions.writer import PredictionWriter
from tasks.common.report import counted

GO_ON = ". The same command with skip_existing=true goes on"


def predict(request: Request) -> EntryFile:
    """Predicts on photos and films; writes and draws each prediction as it comes.

    Args:
        request: Of ``configs/predict.yaml``.

    Returns:
        What ``predictions.jsonl`` says, an entry for each photo and each frame.

    Raises:
        InputError: After all others are done, if photos could not be read.
    """
    results = claim_predictions(request)
    folder = results.folder
    found = results.found(request.config.input, films=True)
    network = network_of(request)
    check_shown(network.described, network.config)
    want = wanted(network.config, request.overrides, names=network.names)
    made = made_by(network.config, weights=network.checksum())
    entries = EntryFile(folder / LINES)
    left = left_to_do(found, results, made=made, entries=entries)
    pictures = Pictures.of(want, folder, root=found.root)
    writer = PredictionWriter(
        *(found.photos, left, entries),
        described=network.described,
        chosen=want.chosen,
        pictures=pictures,
    )
    network.get_ready(found.photos.only(left), want, tell=writer)
    check_films(found.films)
    results.make_way()
    write_made_by(folder, made)
    entries.open(kept=bool(results.kept))
    say(found.left_out())
    try:
        if left:
            network.predict()
        if found.films:
            FilmViewer(network, entries, wanted=want, pictures=pictures).look_at(found.films)
    except StoppedError as stop:
        stop.kept = f"{amount(entries, found)} are done, see {folder}{'' if found.films else GO_ON}"
        raise
    finally:
        entries.close()
        notes = write_formats(entries, folder, want.format)
    report = [
        f"{amount(entries, found)} done",
        *writer.notes(in_parts=network.has_tiles and not want.tile),
        *notes,
        *(f"  1 photo skipped: {error}" for error in writer.errors),
    ]
    write_report(folder, [*report, *found.left_out()])
    check_errors(writer.errors, total=len(found.photos), policy=network.config.data.on_bad_image)
    say(report)
    say_files(folder)
    return entries


def network_of(request: Request) -> Network:
    """The network that a request names; one in a file without torch, as far as that can be.

    Raises:
        InputError: If there is none, or its settings do not fit.
    """
    config = request.config
    # a demo's teacher is that of its training
    teacher = request.choices.get("teacher") if request.command == "predict" else None
    is_taught = teacher not in (None, "none")
    if config.get("exported") and not (config.checkpoint or config.init or is_taught):
        reason = why_torch(config, request.overrides)
        if reason is None:
            return ExportedNetwork(Path(str(config.exported)), config)
        check_torch(reason)
    from tasks.common.distillation.alone import asks_for_teacher  # and torch with it
    from tasks.common.training.trainer_settings import check_added

    if request.command == "predict":
        check_added(request.overrides)
    if is_taught or asks_for_teacher(config, request.choices):
        from tasks.common.predictions.teacher import TeacherNetwork

        return TeacherNetwork(config, request.choices)
    from tasks.common.commands.start import ready, stored_network
    from tasks.common.machine.cores import take_cores
    from tasks.common.predictions.trained import TrainedNetwork

    config, checkpoint = stored_network(request)
    take_cores(config)
    return TrainedNetwork(ready(config, checkpoint)[0], config, checkpoint)


def claim_predictions(request: Request) -> Results:
    """The folder for predictions: one without any, or with those that are to be gone on with.

    Raises:
        InputError: If it holds other results.
    """
    config = request.config
    goes_on = config.get("skip_existing", False)
    check_flag("skip_existing", goes_on)
    if goes_on and config.overwrite:
        raise InputError("overwrite=true would remove what skip_existing=true goes on with")
    if goes_on and left_in(folder := own_folder(request, "output"), [FILE]):
        return Results(folder, [], replaces=False, kept=left_in(folder))
    return claim_output(request, reads=[config.checkpoint, config.init])


def left_to_do(
    found: Found, results: Results, *, made: Mapping[str, Any], entries: EntryFile
) -> Sequence[int]:
    """The places of the photos, among those found, that have no entry yet.

    Raises:
        InputError: If the entries that are there were made by other weights or settings, or films
            are among what is found, which are always looked at from their beginning.
    """
    if not results.kept:
        return range(len(found.photos))
    if found.films:
        raise InputError(
            f"skip_existing=true: {found.films[0]} is a film, which is looked at as a whole. Leave "
            "it out, and give another output= or overwrite=true"
        )
    check_made_by(results.folder, made)
    there = {entry["file"] for entry in entries}
    return [number for number, photo in enumerate(found.photos) if str(photo) not in there]


def amount(entries: EntryFile, found: Found) -> str:
    """How much there is an entry of."""
    if not found.films:
        return f"{len(entries)} of {len(found.photos)} photos"
    return counted(len(entries), "photo or frame", "photos and frames")


def check_errors(errors: list[str], *, total: int, policy: str) -> None:
    """Raises an InputError about photos that could not be read, unless they may be skipped."""
    if errors and policy == "error":
        raise InputError(
            f"{len(errors)} of {total} photos could not be read; the others are done. "
            "data.on_bad_image=skip accepts that.\n" + "\n".join(errors)
        )

"""Serves the page, to this machine alone unless told otherwise."""

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backbone.errors import InputError, check_number
from tasks.app.answers import Answers
from tasks.app.models import Models
from tasks.app.photos import MAX_BYTES
from tasks.common.commands.request import Request

NEEDED = "The page needs gradio: pip install -c constraints.txt -e '.[app]'"
MOST_PORTS = 65535
MAX_WAITING = 128  # answers; who comes then is told to try later
# What lies longer in the folder of uploads was never looked at.
SWEEP_SECONDS, FORGOTTEN_SECONDS = 30, 300

logger = logging.getLogger(__name__)


def serve(request: Request) -> None:
    """Serves the page until it is stopped.

    Args:
        request: Of ``configs/app.yaml``.

    Raises:
        InputError: If a setting is wrong, or the port is taken.
        StoppedError: When it is stopped.
    """
    with served(request) as address:
        logger.info("Open %s in a browser; Ctrl-C ends it", address)
        threading.Event().wait()


@contextlib.contextmanager
def served(request: Request) -> Iterator[str]:
    """Serves the page meanwhile, and gives its address."""
    config = request.config
    check_number("port", config.port, at_least=0, at_most=MOST_PORTS, whole=True)
    given = [config.models] if isinstance(config.models, str) else list(config.models)
    models = Models(
        [Path(str(config.runs)), Path(str(config.weights))], [Path(str(one)) for one in given]
    )
    models.list()  # for the first user not to wait for it
    port = _free_port(str(config.host), config.port)
    uploads = tempfile.mkdtemp(prefix="page")
    try:
        with _environment(uploads):
            answers = Answers(models, Path(uploads))
            page = _page(answers, runs=Path(str(config.runs)), demo=list(config.demo))
            _launch(page, host=str(config.host), port=port)
            try:
                yield f"http://{config.host}:{port}"
            finally:
                page.close(verbose=False)
    finally:
        shutil.rmtree(uploads, ignore_errors=True)


@contextlib.contextmanager
def _environment(uploads: str) -> Iterator[None]:
    """Has Gradio keep uploads in a folder of our own, and tell nobody of itself."""
    settings = {
        "GRADIO_TEMP_DIR": uploads,
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _page(answers: Answers, *, runs: Path, demo: list[str]) -> Any:
    """The page, not served yet."""
    try:
        import gradio as gr
    except ImportError as error:
        raise InputError(NEEDED) from error
    from tasks.app.events import Events, connect
    from tasks.app.interface import offer
    from tasks.app.layout import TITLE, lay_out

    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(SWEEP_SECONDS, FORGOTTEN_SECONDS)
    ) as page:
        layout = lay_out()
        connect(layout, Events(layout, answers, runs=runs, demo=demo))
        offer(answers)
    return page.queue(max_size=MAX_WAITING)


def _launch(page: Any, *, host: str, port: int) -> None:
    import gradio as gr

    from tasks.app.markup import CSS

    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        max_file_size=MAX_BYTES,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        run_history=False,
        mcp_server=False,
        footer_links=["api"],
        # fonts that every machine has: none is fetched
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        css=CSS,
    )


def _free_port(host: str, port: int) -> int:
    """The port, if nobody listens there; for 0 one that is free.

    Raises:
        InputError: If it is taken, or the host is none of this machine's.
    """
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was just left
        try:
            trial.bind((host, port))
        except OSError as error:
            raise InputError(
                f"host={host} port={port}: the page cannot be served there ({error.strerror}). "
                "Give another port=, or port=0 for any that is free"
            ) from error
        free: int = trial.getsockname()[1]
        return free

"""Downloads from a real server on this machine, and archives as an attacker would make them."""

import hashlib
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backbone.errors import InputError
from tasks.common.data.public import Archive, PublicDataset, prepare
from tasks.common.files.archives import extract
from tasks.common.files.download import fetch

CONTENT = bytes(range(256)) * 4096  # 1 MiB


@dataclass
class Server:
    """Serves ``files``, and notes the ``Range`` of every request."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)
    resumes: bool = True
    cut_after: int | None = None  # bytes of the first answer, then the line goes dead
    cut_always: bool = False


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(files={"/data.bin": CONTENT})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, asked = state.files.get(self.path), self.headers["Range"]
            state.ranges.append(asked)
            if content is None:
                return self.send_error(404)
            start = int(re.findall(r"\d+", asked)[0]) if asked and state.resumes else 0
            body = content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            if start:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            self.end_headers()
            first = len(state.ranges) == 1 or state.cut_always
            self.wfile.write(body[: state.cut_after] if first else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state.url = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        httpd.shutdown()
        thread.join()


def published(content: bytes, algorithm: str = "md5") -> dict:
    digest = hashlib.new(algorithm, content).hexdigest()
    return {"size": len(content), "checksum": f"{algorithm}:{digest}"}


class TestFetch:
    @pytest.mark.parametrize("algorithm", ["md5", "sha256"])
    def test_a_download_arrives_whole_and_once(self, server, tmp_path, algorithm):
        path = tmp_path / "new" / "data.bin"
        for _ in range(2):
            fetch(f"{server.url}/data.bin", path, **published(CONTENT, algorithm))
        assert path.read_bytes() == CONTENT
        assert server.ranges == [None]
        assert list(path.parent.iterdir()) == [path]

    def test_a_cut_connection_is_taken_up_where_it_stopped(self, server, tmp_path):
        server.cut_after = 300_000
        fetch(f"{server.url}/data.bin", tmp_path / "data.bin", **published(CONTENT))
        assert (tmp_path / "data.bin").read_bytes() == CONTENT
        assert server.ranges == [None, "bytes=300000-"]

    def test_a_later_call_continues_an_earlier_one(self, server, tmp_path):
        (tmp_path / "data.bin.part").write_bytes(CONTENT[:1000])
        fetch(f"{server.url}/data.bin", tmp_path / "data.bin", **published(CONTENT))
        assert (tmp_path / "data.bin").read_bytes() == CONTENT
        assert server.ranges == ["bytes=1000-"]

    def test_a_server_that_cannot_resume_sends_everything_again(self, server, tmp_path):
        server.resumes = False
        server.cut_after = 300_000
        fetch(f"{server.url}/data.bin", tmp_path / "data.bin", **published(CONTENT))
        assert (tmp_path / "data.bin").read_bytes() == CONTENT

    def test_a_server_that_never_gets_further_ends_in_a_message(self, server, tmp_path):
        server.resumes, server.cut_after, server.cut_always = False, 300_000, True
        with pytest.raises(InputError, match=r"300,000 of 1,048,576 bytes have arrived.*continue"):
            fetch(f"{server.url}/data.bin", tmp_path / "data.bin", **published(CONTENT))
        assert (tmp_path / "data.bin.part").stat().st_size == 300_000

    def test_wrong_content_is_deleted_and_named(self, server, tmp_path):
        server.files["/data.bin"] = CONTENT[::-1]
        with pytest.raises(InputError, match=r"data\.bin sent .*its md5 is .* instead of"):
            fetch(f"{server.url}/data.bin", tmp_path / "data.bin", **published(CONTENT))
        assert list(tmp_path.iterdir()) == []

    def test_a_notice_in_place_of_the_file_is_never_kept(self, server, tmp_path):
        server.files["/data.bin"] = b"<html>Quota exceeded</html>"
        with pytest.raises(InputError, match="offers 27 bytes, the published file has 1,048,576"):
            fetch(f"{server.url}/data.bin", tmp_path / "data.bin", **published(CONTENT))
        assert list(tmp_path.iterdir()) == []

    def test_a_wrong_file_placed_by_hand_is_named_and_left_alone(self, server, tmp_path):
        path = tmp_path / "data.bin"
        path.write_bytes(b"something else")
        with pytest.raises(InputError, match=r"data\.bin is not the published file: it has 14"):
            fetch(f"{server.url}/data.bin", path, **published(CONTENT))
        assert path.read_bytes() == b"something else"

    @pytest.mark.parametrize("address", ["http://127.0.0.1:9/data.bin", "{server}/missing.bin"])
    def test_what_cannot_be_had_is_explained(self, server, tmp_path, address):
        url, path = address.format(server=server.url), tmp_path / "data.bin"
        with pytest.raises(InputError) as caught:
            fetch(url, path, **published(CONTENT))
        assert f"Could not download {url}" in str(caught.value)
        assert f"by hand and place it at {path}" in str(caught.value)

    def test_a_full_disk_is_noticed_before_the_download(self, server, tmp_path):
        with pytest.raises(InputError, match="the disk has"):
            fetch(f"{server.url}/data.bin", tmp_path / "data.bin", size=1 << 60, checksum="md5:0")
        assert server.ranges == []


def zipped(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tarred(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def tarred_special(path: Path, kind: bytes, target: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("photos")
        entry.type, entry.linkname = kind, target
        archive.addfile(entry)
    return path


def zipped_link(path: Path) -> Path:
    link = zipfile.ZipInfo("photos")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc")
    return path


MALICIOUS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "zip_parent": (lambda d: zipped(d / "a.zip", ("../x", b"")), "outside"),
    "zip_hidden_parent": (lambda d: zipped(d / "a.zip", ("a/../../x", b"")), "outside"),
    "zip_absolute": (lambda d: zipped(d / "a.zip", ("/tmp/x", b"")), "outside"),
    "zip_backslash": (lambda d: zipped(d / "a.zip", ("..\\x", b"")), "outside"),
    "zip_link": (lambda d: zipped_link(d / "a.zip"), "link"),
    "zip_ratio": (lambda d: zipped(d / "a.zip", ("x", bytes(2 << 20))), "unpacks to 2,097,152"),
    "zip_total": (
        lambda d: zipped(d / "a.zip", *((f"{i}", bytes(1 << 19)) for i in range(30))),
        "over 10,000,000 bytes",
    ),
    "tar_parent": (lambda d: tarred(d / "a.tar", ("../x", b"")), "outside"),
    "tar_absolute": (lambda d: tarred(d / "a.tar", ("/tmp/x", b"")), "outside"),
    "tar_symlink": (lambda d: tarred_special(d / "a.tar", tarfile.SYMTYPE, "/etc"), "link"),
    "tar_hard_link": (lambda d: tarred_special(d / "a.tar", tarfile.LNKTYPE, "../x"), "link"),
    "tar_device": (lambda d: tarred_special(d / "a.tar", tarfile.CHRTYPE), "device"),
    "tar_bomb": (lambda d: tarred(d / "a.tgz", ("x", bytes(20 << 20))), "over 10,000,000 bytes"),
}


class TestExtract:
    @pytest.mark.parametrize("make", [zipped, tarred], ids=["zip", "tar"])
    def test_contents_join_what_is_there(self, tmp_path, make):
        first = make(tmp_path / "first", ("photos/a.jpg", b"a"), ("list/first.txt", b"a"))
        second = make(tmp_path / "second", ("photos/b.jpg", b"b"))
        folder = tmp_path / "data"
        for archive in (first, second):
            extract(archive, folder, max_bytes=1000)
        files = {f.relative_to(folder).as_posix() for f in folder.rglob("[!.]*") if f.is_file()}
        assert files == {"photos/a.jpg", "photos/b.jpg", "list/first.txt"}

    def test_a_second_call_changes_nothing(self, tmp_path):
        archive, folder = zipped(tmp_path / "a.zip", ("x", b"new")), tmp_path / "data"
        extract(archive, folder, max_bytes=1000)
        (folder / "x").write_bytes(b"edited")
        extract(archive, folder, max_bytes=1000)
        assert (folder / "x").read_bytes() == b"edited"

    def test_an_interrupted_call_is_done_over(self, tmp_path):
        archive, folder = zipped(tmp_path / "a.zip", ("x", b"new")), tmp_path / "data"
        (folder / ".a.zip.partial").mkdir(parents=True)
        (folder / ".a.zip.partial" / "half").write_bytes(b"left over")
        extract(archive, folder, max_bytes=1000)
        assert {file.name for file in folder.iterdir()} == {"x", ".a.zip.extracted"}

    @pytest.mark.parametrize(("make", "reason"), MALICIOUS.values(), ids=MALICIOUS.keys())
    def test_malicious_archives_leave_nothing_behind(self, tmp_path, make, reason):
        folder = tmp_path / "inner" / "data"
        folder.mkdir(parents=True)
        archive = make(tmp_path)
        with pytest.raises(InputError, match=f"Refused .*{reason}"):
            extract(archive, folder, max_bytes=10_000_000)
        assert list(folder.iterdir()) == []
        assert {entry.name for entry in tmp_path.iterdir()} == {archive.name, "inner"}

    @pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
    def test_truncated_archives_leave_nothing_behind(self, tmp_path, suffix):
        make = zipped if suffix == "zip" else tarred
        archive = make(tmp_path / f"a.{suffix}", ("x", CONTENT[:5000]), ("y", CONTENT[:5000]))
        archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 3])
        with pytest.raises(InputError, match=r"a\.\w+ is (damaged|neither)"):
            extract(archive, tmp_path / "data", max_bytes=100_000)
        assert list((tmp_path / "data").iterdir()) == []


class TestPrepare:
    @pytest.fixture
    def dataset(self, server, tmp_path) -> PublicDataset:
        archives = []
        for name, member in (("labels.zip", "labels/a.txt"), ("photos.zip", "photos/a.jpg")):
            content = zipped(tmp_path / name, (member, b"content")).read_bytes()
            (tmp_path / name).unlink()
            server.files[f"/{name}"] = content
            archives.append(Archive(f"{server.url}/{name}", **published(content)))
        return PublicDataset(
            archives=tuple(archives),
            contents={"labels/*.txt": 1, "photos/*.jpg": 1},
            train="train data.root={root}",
            terms="https://example.org/terms",
        )

    def test_says_how_to_train_and_does_nothing_twice(self, server, dataset, tmp_path):
        root = tmp_path / "data"
        for _ in range(2):
            assert f"train data.root={root}" in prepare(dataset, root)
        assert (root / "photos/a.jpg").read_bytes() == b"content"
        assert len(server.ranges) == 2

    def test_uses_archives_placed_by_hand(self, server, dataset, tmp_path):
        for name, content in server.files.items():
            (tmp_path / name[1:]).write_bytes(content)
        prepare(dataset, tmp_path)
        assert server.ranges == []

    def test_leaves_a_data_set_unpacked_by_hand(self, server, dataset, tmp_path):
        for member in ("labels/a.txt", "photos/a.jpg"):
            (tmp_path / member).parent.mkdir()
            (tmp_path / member).write_bytes(b"mine")
        prepare(dataset, tmp_path)
        assert server.ranges == []

    def test_lists_every_file_to_place_by_hand(self, server, dataset, tmp_path):
        server.files.clear()
        with pytest.raises(InputError) as caught:
            prepare(dataset, tmp_path)
        for archive in dataset.archives:
            assert f"{archive.url}  {archive.size:,} bytes" in str(caught.value)
        assert f"to place in {tmp_path}" in str(caught.value)

    def test_notices_what_went_missing_later(self, server, dataset, tmp_path):
        prepare(dataset, tmp_path)
        (tmp_path / "photos/a.jpg").unlink()
        with pytest.raises(InputError, match=r"photos/\*\.jpg has 0 of 1 files.*\.extracted"):
            prepare(dataset, tmp_path)

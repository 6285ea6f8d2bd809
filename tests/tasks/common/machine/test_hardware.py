"""How many cores a process may use, from the files in which Linux says so."""

from pathlib import Path

import pytest

from tasks.common.machine.core_count import num_cores, num_visible_cores

UNLIMITED = {"cpu.max": "max 100000\n"}
ALL = num_visible_cores()


def cores(folder: Path, own: str, groups: dict[str, dict[str, str]]) -> int:
    """With groups of processes that have these files, by their folders."""
    for name, files in groups.items():
        (folder / "groups" / name).mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / "groups" / name / file).write_text(text)
    (folder / "own").write_text(own)
    return num_cores(folder / "groups", folder / "own")


@pytest.mark.parametrize(
    ("own", "groups"),
    [
        pytest.param("0::/a/b\n", {"a/b": {"cpu.max": "100000 100000\n"}}, id="own"),
        pytest.param("0::/a/b\n", {"a": {"cpu.max": "9 9\n"}, "a/b": UNLIMITED}, id="above"),
        pytest.param("0::/\n", {"": {"cpu.max": "50000 50000\n"}}, id="container"),
        pytest.param("0::/gone/b\n", {"": {"cpu.max": "199999 100000\n"}}, id="less-than-two"),
        pytest.param("0::/a\n", {"a": {"cpu.max": "20000 100000\n"}}, id="a-fifth-of-a-core"),
        pytest.param(
            "5:memory:/x\n4:cpu,cpuacct:/job\n0::/\n",
            {"cpu,cpuacct/job": {"cpu.cfs_quota_us": "100000\n", "cpu.cfs_period_us": "100000\n"}},
            id="first-version",
        ),
        pytest.param(
            "4:cpuacct,cpu:/gone\n",
            {"cpu": {"cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "100000\n"}},
            id="first-version-container",
        ),
    ],
)
def test_a_quota_of_less_than_two_cores_is_one(own: str, groups: dict, tmp_path: Path) -> None:
    assert cores(tmp_path, own, groups) == 1


@pytest.mark.parametrize(
    ("own", "groups"),
    [
        pytest.param("0::/a\n", {"a": UNLIMITED}, id="unlimited"),
        pytest.param("0::/a\n", {"a": {"cpu.max": "90000000 100000\n"}}, id="more-than-there-are"),
        pytest.param("0::/a\n", {"b": {"cpu.max": "100000 100000\n"}}, id="another-group"),
        pytest.param("0::/a\n", {"a": {"cpu.max": "\n"}}, id="empty-file"),
        pytest.param("7:memory:/\n", {"memory": {"cpu.max": "100000 100000\n"}}, id="of-memory"),
        pytest.param(
            "4:cpu:/\n",
            {"cpu": {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}},
            id="first-version-unlimited",
        ),
        pytest.param("", {}, id="no-groups"),
    ],
)
def test_without_a_quota_all_cores_count(own: str, groups: dict, tmp_path: Path) -> None:
    assert cores(tmp_path, own, groups) == ALL


def test_a_quota_of_two_cores_is_two_where_there_are_as_many(tmp_path: Path) -> None:
    quota = {"": {"cpu.max": "250000 100000\n"}}
    assert cores(tmp_path, "0::/\n", quota) == min(2, ALL)


def test_where_linux_says_nothing_all_cores_count(tmp_path: Path) -> None:
    assert num_cores(tmp_path / "groups", tmp_path / "own") == ALL

"""Stores on network file systems are told apart by the mount table, and their users are told what to do."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from server_process import ServerProcess

import trainboard as tb
from trainboard.storage import mounts, open_store
from trainboard.storage.mounts import network_file_system

TABLE = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 22 0:5 / /dev rw,nosuid - devtmpfs udev rw
60 22 0:50 / /home rw,relatime shared:30 master:2 - nfs4 server:/export/home rw,vers=4.2
61 60 0:51 / /home/me/scratch\040disk rw - xfs /dev/vdb rw
62 22 0:52 / /mnt/windows rw - cifs //server/share rw
63 22 0:53 / /mnt/ssh rw - fuse.sshfs me@host:/data rw
64 22 0:54 / /mnt/archive ro - fuse.squashfuse archive.sqfs ro
65 22 0:55 / /data rw - lustre mds@tcp:/data rw
66 22 0:56 / /cover rw - nfs server:/old rw
67 66 0:57 / /cover rw - tmpfs tmpfs rw
this line is none
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tmp/runs.db", None),
        ("/home/me/runs.db", "nfs4"),
        ("/homes/me/runs.db", None),
        ("/home/me/scratch disk/runs.db", None),
        ("/home/me/scratch/runs.db", "nfs4"),
        ("/mnt/windows/runs.db", "cifs"),
        ("/mnt/ssh/a/b/runs.db", "fuse.sshfs"),
        ("/mnt/archive/runs.db", None),
        ("/data/runs.db", "lustre"),
        ("/cover/runs.db", None),
    ],
)
def test_the_nearest_mount_says_whether_a_path_is_on_a_network(path: str, kind: str | None) -> None:
    assert network_file_system(PurePosixPath(path), TABLE) == kind


def test_this_machines_own_mount_table_is_understood() -> None:
    assert network_file_system(PurePosixPath("/proc/self"), mounts._mount_table()) is None
    assert mounts._mount_table().count(" - ") > 1


@pytest.fixture
def on_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path that a mount table says is on NFS."""
    table = tmp_path / "mountinfo"
    table.write_text(f"60 22 0:50 / {tmp_path} rw - nfs4 server:/export rw\n")
    monkeypatch.setattr(mounts, "_MOUNT_TABLE", table)
    return tmp_path / "runs.db"


def test_a_store_on_a_network_works_and_its_users_are_told_what_to_do(on_nfs: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"network file system \(nfs4\).*trainboard serve.*PostgreSQL"
    ) as seen:
        run = tb.init(store=on_nfs, id="far", system_every=0)
        run.log({"loss": 1.0})
        run.finish()
    assert len(seen) == 1
    store = open_store(on_nfs)
    assert store.points("far", "loss").value.tolist() == [1.0]
    store.close()


def test_serving_a_store_on_a_local_disk_warns_of_nothing(tmp_path: Path) -> None:
    open_store(tmp_path / "runs.db", create=True).close()
    server = ServerProcess(tmp_path / "runs.db")
    server.process.terminate()
    assert "network" not in server.process.communicate()[0]

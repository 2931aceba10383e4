"""Which stores lie on a network file system, where SQLite is safe for one machine only."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from .location import sqlite_path

NETWORK_FILE_SYSTEMS = frozenset(
    "9p afs beegfs ceph cifs coda cvmfs drvfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs panfs "
    "pvfs2 smb2 smb3 smbfs virtiofs wekafs".split()
)
"""Types in Linux's mount table; those of programs carry ``fuse.`` before the name."""

_FUSE_FILE_SYSTEMS = frozenset("ceph davfs gcsfuse glusterfs juicefs mfs rclone s3fs seaweedfs sshfs".split())
_MOUNT_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def network_warning(url: str) -> str | None:
    """What to say of a store's place if it is a network file system, or None.

    ``url`` is resolved. SQLite's shared memory does not reach other machines: two that write one file
    there would damage it.
    """
    path = sqlite_path(url)
    kind = path and network_file_system(path, _mount_table())
    if not kind:
        return None
    return (
        f"store '{path}' is on a network file system ({kind}): use it from one machine only, or it may be "
        "damaged. For several machines run 'trainboard serve' on one and log to its address, use "
        "PostgreSQL, or give a path on a local disk"
    )


def network_file_system(path: PurePath, mount_table: str) -> str | None:
    """The type of file system that ``path`` (absolute) is on, if it is one of a network.

    ``mount_table`` is what /proc/self/mountinfo says; a line that is none is passed over.
    """
    found, depth = "", -1
    for line in mount_table.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) < 5 or not kind:
            continue
        point = PurePath(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        # Of several mounts at one place the last hides the others.
        if path.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = kind, len(point.parts)
    fuse, _, program = found.partition(".")
    remote = program in _FUSE_FILE_SYSTEMS if fuse == "fuse" else found in NETWORK_FILE_SYSTEMS
    return found if remote else None


def _mount_table() -> str:
    try:
        return _MOUNT_TABLE.read_text(errors="replace")
    except OSError:
        return ""  # not Linux

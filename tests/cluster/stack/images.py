"""Container images, made here: a docker-archive of one layer, as `ctr images import` takes it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

PAUSE = "registry.k8s.io/pause:3.10.1"
"""The anchors' image of the chart, here with a pause program built from source."""
DEBIAN = "docker.io/library/debian:12-slim"
"""The chart's image for Linux launchers, here with only the libraries that Python needs."""
DEBIAN_NEXT = "docker.io/library/debian:12.9-slim"
"""The same image under another name, for an image upgrade."""


NET_ADMIN = "\x01\x00\x00\x02" + "\x00\x10\x00\x00" + "\x00" * 12
"""The capability of a file, as `setcap cap_net_admin=ep` stores it."""


def write_image(
    archive: Path,
    references: Sequence[str],
    files: Mapping[str, Path],
    entrypoint: Sequence[str],
    capability: str = "",
) -> None:
    """Write an image of one layer with these files (path in the image -> file here), owned by root.

    `capability`: what each of its files gets, for programs of images that do not run as root.
    """
    layer = _layer(files, capability)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }
    manifest = [{"Config": "config.json", "RepoTags": list(references), "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        for name, content in (
            ("config.json", json.dumps(config).encode()),
            ("manifest.json", json.dumps(manifest).encode()),
            ("layer.tar", layer),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def _layer(files: Mapping[str, Path], capability: str) -> bytes:
    buffer = io.BytesIO()
    folders: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for target in ["tmp/.", "etc/.", "run/.", *sorted(files)]:
            parts = target.strip("/").split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    info = tarfile.TarInfo(folder)
                    info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                    tar.addfile(info)
            if target in files:
                content = files[target].read_bytes()
                info = tarfile.TarInfo("/".join(parts))
                info.size, info.mode = len(content), 0o755
                if capability:
                    info.pax_headers = {"SCHILY.xattr.security.capability": capability}
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def python_libraries() -> dict[str, Path]:
    """Return the shared libraries that this Python and its modules link to, at paths where any loader looks."""
    folder = Path(sysconfig.get_path("stdlib")) / "lib-dynload"
    modules = [*folder.glob("*.so"), *Path(psutil.__file__).parent.glob("*.so")]
    binaries = [str(Path(sys.executable).resolve()), *map(str, sorted(modules))]
    shown = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=True).stdout
    found = {Path(name) for name in re.findall(r"(/\S+) \(0x", shown)}
    # Programs name the loader by its path and the other libraries by file name.
    return {str(path) if path.name.startswith("ld-") else f"/usr/lib/{path.name}": path for path in found}

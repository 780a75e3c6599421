"""Shows the virtual USB security key on a real Linux kernel with `/dev/uhid`, in QEMU.

    .venv/bin/python -m tests.authenticator.qemu.run              # everything, in two to three minutes
    .venv/bin/python -m tests.authenticator.qemu.run --only fido2 --only libfido2

Not part of `make test`: it emulates a whole computer. It boots Debian's own kernel (downloaded by `apt-get download`,
kept in the user's cache) with this computer's files as its root, read-only over 9p, and runs `inside` there. Nothing is
installed and nothing here is changed. Needs Debian 12 with

    apt-get install qemu-system-x86 busybox-static fido2-tools openssh-client     # and, for `--only chromium`, chromium

What is shown, by name: see `inside.CHECKS`. Exit status 0 when all of it passed.
"""

import argparse
import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).parents[3]
PACKAGE: Final = "linux-image-amd64"
MODULES: Final = ("virtio_pci", "virtio_rng", "9pnet_virtio", "9p", "uhid", "hid-generic")
BOOT_WITHIN: Final = 3600
_DONE: Final = re.compile(r"^OSTIARY-STATUS (\d+)\s*$", re.MULTILINE)

INIT: Final = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /files
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module || echo "no $module"; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,cache=mmap,msize=524288,ro files /files
for place in proc sys dev; do /bin/busybox mount -o move /$place /files/$place; done
/bin/busybox mkdir -p /files/dev/shm /files/dev/pts
/bin/busybox mount -t devpts pts /files/dev/pts
for place in tmp run dev/shm; do /bin/busybox mount -t tmpfs none /files/$place; done
/bin/busybox ip link set lo up
exec /bin/busybox switch_root /files /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    /bin/sh -c 'cd {project} && {command}; echo "OSTIARY-STATUS $?"; busybox reboot -f'
"""


class Kernel(NamedTuple):
    image: Path
    modules: Path
    version: str


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="one of the checks; may be repeated")
    parser.add_argument("--cache", type=Path, default=_cache(), help="where the kernel is kept")
    parser.add_argument("--memory", default="3072", help="in megabytes")
    parser.add_argument("--kvm", action="store_true", help="with the processor's help, where it works")
    given = parser.parse_args(arguments)
    _require("qemu-system-x86_64", "busybox", "apt-get", "dpkg-deb", "modinfo")
    if PROJECT.is_relative_to("/tmp") or PROJECT.is_relative_to("/run"):
        sys.exit("The machine has its own /tmp and /run: check the project out elsewhere.")
    kernel = find_kernel(given.cache)
    print(f"Debian's kernel {kernel.version}", flush=True)
    command = [sys.executable, "-m", "tests.authenticator.qemu.inside", *given.only]
    with tempfile.TemporaryDirectory() as directory:
        initramfs = Path(directory) / "initramfs"
        make_initramfs(kernel, initramfs, command)
        return boot(kernel, initramfs, memory=given.memory, has_kvm=given.kvm)


def find_kernel(cache: Path) -> Kernel:
    """Downloads the current one unless it is there."""
    told = subprocess.run(["apt-cache", "depends", PACKAGE], check=True, capture_output=True, text=True).stdout
    found = re.search(r"Depends: (linux-image-(\S+-amd64))", told)
    if found is None:
        sys.exit(f"apt-cache knows no {PACKAGE}. Run: sudo apt-get update")
    package, version = found.groups()
    place = cache / version
    if not (place / "complete").exists():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", package], check=True, cwd=place)
        (archive,) = place.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, place], check=True)
        archive.unlink()
        (place / "complete").touch()
    return Kernel(place / f"boot/vmlinuz-{version}", place / f"lib/modules/{version}", version)


def make_initramfs(kernel: Kernel, path: Path, command: Iterable[str]) -> None:
    """busybox, the modules, and an init that goes over to this computer's files."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "bin").mkdir()
        (root / "modules").mkdir()
        shutil.copy(shutil.which("busybox") or "", root / "bin/busybox")
        modules = _with_dependencies(kernel)
        for module in modules:
            shutil.copy(module, root / "modules")
        quoted = " ".join(f'"{part}"' for part in command)
        names = " ".join(one.name for one in modules)
        (root / "init").write_text(INIT.format(modules=names, project=PROJECT, command=quoted))
        (root / "init").chmod(0o755)
        listing = "\n".join(str(one.relative_to(root)) for one in sorted(root.rglob("*")))
        archive = subprocess.run(
            ["busybox", "cpio", "-o", "-H", "newc"], check=True, cwd=root, input=listing.encode(), capture_output=True
        ).stdout
        path.write_bytes(gzip.compress(archive, 1))


def boot(kernel: Kernel, initramfs: Path, *, memory: str, has_kvm: bool) -> int:
    """The exit status of what ran inside."""
    command = [
        "qemu-system-x86_64",
        *("-accel", "kvm" if has_kvm else "tcg,thread=multi"),
        *("-cpu", "max", "-smp", str(min(os.cpu_count() or 1, 4)), "-m", memory),
        *("-kernel", str(kernel.image), "-initrd", str(initramfs)),
        *("-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on"),
        *("-virtfs", "local,path=/,mount_tag=files,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-rng-pci", "-nic", "none", "-nographic", "-monitor", "none", "-no-reboot"),
    ]
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    said = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            text = line.decode(errors="replace")
            said = (said + text)[-2000:]
            print(text, end="", flush=True)
            if time.monotonic() - began > BOOT_WITHIN:
                sys.exit("The machine did not end in time.")
    finally:
        process.kill()
        process.wait()
    print(f"{time.monotonic() - began:.0f} s in all")
    status = _DONE.search(said)
    return int(status[1]) if status else 1


def _with_dependencies(kernel: Kernel) -> list[Path]:
    """In the order they are loaded."""
    files = {_name(one.stem): one for one in kernel.modules.rglob("*.ko")}
    ordered: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in ordered or name not in files:  # what is no file is in the kernel itself
            return
        told = subprocess.run(["modinfo", "-F", "depends", files[name]], check=True, capture_output=True, text=True)
        for needed in told.stdout.strip().split(","):
            add(_name(needed))
        ordered[name] = files[name]

    for one in MODULES:
        add(_name(one))
    return list(ordered.values())


def _name(module: str) -> str:
    return module.replace("-", "_")


def _require(*programs: str) -> None:
    if platform.machine() != "x86_64":
        sys.exit("This boots a kernel for x86-64.")
    missing = [one for one in programs if shutil.which(one) is None]
    if missing:
        sys.exit(f"Not here: {', '.join(missing)}. The beginning of this file names the packages.")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ostiary" / "qemu"


if __name__ == "__main__":
    sys.exit(main())

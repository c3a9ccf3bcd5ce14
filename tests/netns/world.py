"""A small Azure network of namespaces: two nodes, the store with its metadata service, an observer.

Every namespace hangs by one veth on a routing namespace, the fabric; links are cut, one way or
both, by nftables rules in the fabric's forward hook. Each world on a machine has a number of its
own, held by a lock; its names carry the number, so that leftovers of a killed run are found and
removed by the next one that gets it.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hacluster_local.store.install import find_or_install

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
STORE_PORT, METADATA_PORT = 10000, 10169
PLACES = ("n1", "n2", "store", "observer")
NUMBERS = range(1, 100)
STALLS = "stalls"


def sh(*words: str, check: bool = True, stdin: str | None = None) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True, input=stdin)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def why_not() -> str:
    """Return why no world can be made on this machine, or ""."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [name for name in ("ip", "nft") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not installed" if lacking else ""


@dataclass
class World:
    """One fabric with its places; `number` keeps several worlds on one machine apart."""

    number: int
    directory: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    cuts: dict[tuple[str, str], int] = field(default_factory=dict)

    def namespace(self, place: str) -> str:
        return f"hacn{self.number}-{place}"

    def address(self, place: str) -> str:
        return f"10.{100 + self.number}.0.{10 * (1 + PLACES.index(place))}"

    @property
    def account(self) -> str:
        return f"https://{self.address('store')}:{STORE_PORT}/{ACCOUNT}"

    @property
    def metadata(self) -> str:
        return f"http://{self.address('store')}:{METADATA_PORT}"

    @property
    def ca_file(self) -> Path:
        return self.directory / "store.crt"

    def build(self) -> None:
        self.remove_namespaces()
        self.directory.mkdir(parents=True, exist_ok=True)
        fabric = self.namespace("fabric")
        sh("ip", "netns", "add", fabric)
        self._inside(fabric, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for place in PLACES:
            self._attach(place)
        self.reset_links()
        self._start_store()
        meter = [sys.executable, str(HERE / "stalls.py"), str(self.directory / STALLS)]
        self.popen("observer", meter, self.directory / "stalls.log")

    def stalled_since(self, moment: float) -> float:
        """Return the longest time that the machine itself stood still since then; 0: it did not."""
        file = self.directory / STALLS
        lines = file.read_text().splitlines() if file.exists() else []
        gaps = [json.loads(line) for line in lines]
        return max((gap["late"] for gap in gaps if gap["at"] >= moment), default=0.0)

    def _attach(self, place: str) -> None:
        name, fabric, link = (
            self.namespace(place),
            self.namespace("fabric"),
            f"h{self.number}{place}",
        )
        sh("ip", "netns", "add", name)
        outer = link[:15]
        sh(
            "ip",
            "link",
            "add",
            outer,
            "netns",
            fabric,
            "type",
            "veth",
            "peer",
            "eth0",
            "netns",
            name,
        )
        self._inside(name, "ip", "link", "set", "lo", "up")
        self._inside(name, "ip", "addr", "add", f"{self.address(place)}/32", "dev", "eth0")
        self._inside(name, "ip", "link", "set", "eth0", "up")
        self._inside(fabric, "ip", "link", "set", outer, "up")
        self._inside(fabric, "ip", "addr", "add", "169.254.1.1/32", "dev", outer)
        self._inside(fabric, "ip", "route", "add", f"{self.address(place)}/32", "dev", outer)
        self._inside(name, "ip", "route", "add", "169.254.1.1/32", "dev", "eth0")
        self._inside(name, "ip", "route", "add", "default", "via", "169.254.1.1")
        self._inside(name, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")

    @staticmethod
    def _inside(namespace: str, *words: str) -> str:
        return sh("ip", "netns", "exec", namespace, *words)

    def popen(
        self, place: str, words: Sequence[str], log: Path, **environment: str
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.namespace(place)}", "--", *words],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "HOME": str(self.directory), **environment},
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def _start_store(self) -> None:
        make_certificate(self.address("store"), self.directory)
        azurite = find_or_install()
        blobs = self.directory / "blobs"
        shutil.rmtree(blobs, ignore_errors=True)
        words = [str(azurite.node), str(azurite.script), "--blobHost", self.address("store")]
        words += ["--blobPort", str(STORE_PORT), "--oauth", "basic", "--location", str(blobs)]
        words += ["--cert", str(self.ca_file), "--key", str(self.directory / "store.key")]
        words += ["--silent", "--disableTelemetry", "--inMemoryPersistence"]
        words.remove("--location")
        words.remove(str(blobs))
        self.popen("store", words, self.directory / "store.log")
        metadata = [sys.executable, str(HERE / "metadata.py"), self.address("store")]
        self.popen("store", [*metadata, str(METADATA_PORT)], self.directory / "metadata.log")
        for port in (STORE_PORT, METADATA_PORT):
            self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        look = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
        for _ in range(100):
            with contextlib.suppress(RuntimeError):
                self._inside(
                    self.namespace("observer"),
                    sys.executable,
                    "-c",
                    look,
                    self.address("store"),
                    str(port),
                )
                return
            time.sleep(0.1)
        raise RuntimeError(f"nothing listens on port {port} of the store; see {self.directory}")

    # Links.

    def reset_links(self) -> None:
        self.cuts = {}
        self._apply_links()

    def cut(self, source: str, target: str, percent: int = 100) -> None:
        """Drop that share of the packets from one place to another, one way."""
        self.cuts[source, target] = percent
        self._apply_links()

    def cut_both(self, one: str, other: str, percent: int = 100) -> None:
        self.cut(one, other, percent)
        self.cut(other, one, percent)

    def _apply_links(self) -> None:
        rules = []
        for (source, target), percent in self.cuts.items():
            pair = f"ip saddr {self.address(source)} ip daddr {self.address(target)}"
            share = "" if percent == 100 else f"numgen random mod 100 < {percent} "
            rules.append(f"{pair} {share}drop")
        text = "table inet cuts\ndelete table inet cuts\ntable inet cuts {\n chain forward {\n"
        text += "  type filter hook forward priority 0; policy accept;\n"
        text += "".join(f"  {rule}\n" for rule in rules) + " }\n}\n"
        sh("ip", "netns", "exec", self.namespace("fabric"), "nft", "-f", "-", stdin=text)

    # Ends.

    def remove(self) -> None:
        for process in self.processes:
            end(process)
        self.processes.clear()
        self.remove_namespaces()

    def remove_namespaces(self) -> None:
        for place in (*PLACES, "fabric"):
            for pid in sh("ip", "netns", "pids", self.namespace(place), check=False).split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            sh("ip", "netns", "del", self.namespace(place), check=False)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def make_certificate(address: str, directory: Path) -> None:
    """Write store.crt and store.key: a certificate for one address that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "store.crt").write_bytes(certificate.public_bytes(pem))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (directory / "store.key").write_bytes(key.private_bytes(pem, *private))


@contextlib.contextmanager
def world(directory: Path) -> Iterator[World]:
    """Make a world and remove it, whatever happens in between."""
    with _number() as number:
        made = World(number, directory)
        try:
            made.build()
            yield made
        finally:
            made.remove()


@contextlib.contextmanager
def _number() -> Iterator[int]:
    """Hold the first number that no other process on this machine holds."""
    for number in NUMBERS:
        place = Path(tempfile.gettempdir(), f"hacluster-world-{number}.lock")
        with place.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return
    raise RuntimeError(f"{len(NUMBERS)} worlds are in use: end some of the test runs")

"""Run etcd and kube-apiserver.

etcd listens on a socket file inside the environment's private folder, so no port gives Secrets
away; the API server listens on loopback, with RBAC, and knows its users by certificates and
service-account tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from hacluster_local.controlplane import access
from hacluster_local.controlplane.access import Authority
from hacluster_local.controlplane.binaries import Binaries
from hacluster_local.controlplane.kubectl import Kubectl
from hacluster_local.logs import tail
from hacluster_local.ports import free_port
from hacluster_local.processes import PartError, Program, start, wait_until_ready
from hacluster_local.web import answers, opener

READY_WITHIN_S: Final = 180.0
PORT_TRIES: Final = 3
ETCD_SOCKET: Final = "unix://etcd.sock"
ISSUER: Final = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """A control plane that serves."""

    kubectl: Kubectl
    """With an administrator's rights."""
    authority: Authority
    """Vouches for the server, and for clients by certificate."""
    url: str

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.kubectl.kubeconfig


def start_control_plane(
    home: Path, binaries: Binaries, authority: Authority, *, tied: bool = False
) -> ControlPlane:
    """Start both servers in ``home`` and wait until they serve, which takes two to three seconds.

    Raises:
        PartError: One of them did not come up; the message has the end of its log.
    """
    folder = home / "controlplane"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    admin = authority.client("admin", "admin", ("system:masters",))
    etcd = start(_etcd(binaries, folder), home, tied=tied)
    wait_until_ready(etcd, (folder / "etcd.sock").exists, READY_WITHIN_S)
    url = _start_apiserver(home, binaries, authority, admin, tied=tied)
    kubeconfig = access.write_kubeconfig(
        home / "kubeconfig", url, authority.certificate, access.by_certificate(admin)
    )
    kubectl = Kubectl(program=binaries.kubectl, kubeconfig=kubeconfig, cache=folder / "kubectl")
    return ControlPlane(kubectl=kubectl, authority=authority, url=url)


def _start_apiserver(
    home: Path, binaries: Binaries, authority: Authority, admin: access.Pair, *, tied: bool
) -> str:
    """Start the API server and return its address; try another port if somebody took this one."""
    client = opener(authority.certificate, admin.certificate, admin.key)
    for left in reversed(range(PORT_TRIES)):
        port = free_port()
        program = _apiserver(binaries, home / "controlplane", authority, port)
        server = start(program, home, tied=tied)
        url = f"https://127.0.0.1:{port}"
        try:
            wait_until_ready(server, partial(answers, f"{url}/readyz", client), READY_WITHIN_S)
        except PartError:
            if not left or "address already in use" not in tail(server.log):
                raise
        else:
            return url
    raise AssertionError("unreachable: the last try returns or raises")


def _etcd(binaries: Binaries, folder: Path) -> Program:
    peer = "unix://peer:0"
    flags = {
        "data-dir": "etcd",
        "listen-client-urls": ETCD_SOCKET,
        # In what it advertises etcd insists on a port; nobody asks this one where it is.
        "advertise-client-urls": "unix://etcd:0",
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "log-level": "warn",
    }
    return _program("etcd", binaries.etcd, folder, flags, "--unsafe-no-fsync")


def _apiserver(binaries: Binaries, folder: Path, authority: Authority, port: int) -> Program:
    serving = authority.server("kube-apiserver")
    tokens = access.write_key(folder / "service-accounts.key")
    flags = {
        "etcd-servers": ETCD_SOCKET,
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "advertise-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",
        "tls-cert-file": serving.certificate,
        "tls-private-key-file": serving.key,
        "client-ca-file": authority.certificate,
        "service-account-issuer": ISSUER,
        "service-account-key-file": tokens,
        "service-account-signing-key-file": tokens,
        "service-cluster-ip-range": "10.255.0.0/24",
        "authorization-mode": "RBAC",
        # Nobody makes the default service accounts that this plugin insists on.
        "disable-admission-plugins": "ServiceAccount",
        "profiling": "false",
    }
    return _program("kube-apiserver", binaries.kube_apiserver, folder, flags)


def _program(
    name: str, program: Path, folder: Path, flags: Mapping[str, object], *switches: str
) -> Program:
    arguments = tuple(f"--{flag}={value}" for flag, value in flags.items())
    return Program(name=name, arguments=(str(program), *arguments, *switches), directory=folder)

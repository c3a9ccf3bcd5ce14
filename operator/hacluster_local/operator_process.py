"""The operator as a process of its own, with the identity and the rights it has in a real cluster.

What `deploy/base` says is applied, all but what would need machines to run it; then the operator
gets a token of its service account, so that the API server holds it to exactly those rights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hacluster_local.controlplane import access
from hacluster_local.controlplane.server import ControlPlane
from hacluster_local.ports import free_port
from hacluster_local.processes import Program, start, wait_until_ready
from hacluster_local.setup.checkout import CRDS, DEPLOY, PYTHON, ROOT, SOURCES
from hacluster_local.web import answers, opener

NAMESPACE: Final = "hacluster-system"
ACCOUNT: Final = "hacluster-operator"
SIGNED_IN_FOR: Final = "8760h"
READY_WITHIN_S: Final = 180.0
APPLIED_KINDS: Final = (
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)
"""In the order in which they need each other."""

CLOSED: Final = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
"""A simulated storage account has a name of Azure's: unless the settings say which way leads to the
simulated one, none does, so that nothing here ever asks the real one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the operator is to the API server."""

    kubeconfig: Path


def install(plane: ControlPlane, home: Path) -> Identity:
    """Apply kinds, account and rights from `deploy/base`; return the operator's identity.

    Raises:
        KubectlError: The API server refused something; the message is the server's.
    """
    kubectl = plane.kubectl
    rendered = kubectl.run("kustomize", str(DEPLOY / "base"))
    manifests = chosen(list(yaml.safe_load_all(rendered)))
    kubectl.run("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    kubectl.install(sorted(CRDS.glob("hacluster.dev_*.yaml")))
    lifetime = f"--duration={SIGNED_IN_FOR}"
    token = kubectl.run("create", "token", ACCOUNT, "--namespace", NAMESPACE, lifetime).strip()
    kubeconfig = home / "operator.kubeconfig"
    authority = plane.authority.certificate
    access.write_kubeconfig(kubeconfig, plane.url, authority, {"token": token})
    return Identity(kubeconfig=kubeconfig)


def chosen(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is applied here, in an order in which it can be."""
    wanted = [manifest for manifest in manifests if manifest["kind"] in APPLIED_KINDS]
    return sorted(wanted, key=lambda manifest: APPLIED_KINDS.index(manifest["kind"]))


def start_operator(
    home: Path, identity: Identity, settings: Mapping[str, str], *, sources: str = str(SOURCES)
) -> None:
    """Start the operator and wait until it says that it is ready.

    With other ``sources``, a search path, it ships the agent that is found there first.

    Raises:
        PartError: It did not come up; the message has the end of its log.
    """
    port = free_port()
    program = Program(
        name="operator",
        arguments=(str(PYTHON), "-m", "hacluster", "run", "--listen", f"127.0.0.1:{port}"),
        directory=ROOT,
        environment={
            **CLOSED,
            **settings,
            "PYTHONPATH": sources,
            "KUBECONFIG": str(identity.kubeconfig),
            "POD_NAME": "local",
            "POD_NAMESPACE": NAMESPACE,
        },
    )
    client = opener()
    ready_url = f"http://127.0.0.1:{port}/readyz"
    wait_until_ready(start(program, home), lambda: answers(ready_url, client), READY_WITHIN_S)

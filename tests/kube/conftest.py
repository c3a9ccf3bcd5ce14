"""A real kube-apiserver over a real etcd for each test session, with our CRDs installed.

Not faked: storage, validation and its CEL rules, defaulting, RBAC, watches, `kubectl`. Not there:
controllers. Nobody collects garbage or empties a deleted namespace, so each test works in a
namespace of its own that is thrown away with the server.

`HACLUSTER_TEST_KUBECONFIG` names a cluster to use instead; its current context must be called
`hacluster-...`, so that nobody's real cluster is ever tested upon by accident.
"""

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.prerequisites import require

from hacluster_local import processes
from hacluster_local.controlplane import binaries
from hacluster_local.controlplane.access import Authority
from hacluster_local.controlplane.kubectl import Applied, Kubectl
from hacluster_local.controlplane.server import start_control_plane
from hacluster_local.setup.checkout import CRDS

OUR_CONTEXTS = "hacluster-"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """An API server with our CRDs, and kubectl with an administrator's rights on it."""

    kubectl: Kubectl

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.kubectl.kubeconfig

    def apply(self, text: str) -> Applied:
        """Apply manifests; the answer is `(ok, message)`, the message being the server's own where
        it refused."""
        return self.kubectl.apply(text)

    def new_namespace(self, stem: str = "test") -> str:
        """Make a namespace that nothing else uses, and return its name."""
        word = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40].strip("-")
        name = f"{word or 'test'}-{os.getpid()}-{next(_numbers)}"
        self.kubectl.run("create", "namespace", name)
        return name


@pytest.fixture(scope="session")
def bare_api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give an API server without our CRDs; ready in about three seconds."""
    named = os.environ.get("HACLUSTER_TEST_KUBECONFIG")
    if named:
        yield ApiServer(kubectl=named_by_user(Path(named), tmp_path_factory.mktemp("kubectl")))
        return
    found = binaries.find()
    require(found, "kube-apiserver", "`make setup` builds it")
    assert found is not None
    home = tmp_path_factory.mktemp("api-server")
    try:
        authority = Authority(home / "pki", "test authority")
        yield ApiServer(kubectl=start_control_plane(home, found, authority, tied=True).kubectl)
    finally:
        processes.stop(home)


@pytest.fixture(scope="session")
def api_server(bare_api_server: ApiServer) -> ApiServer:
    """Give the session's API server with the CRDs of `crds/` installed and served."""
    files = sorted(CRDS.glob("hacluster.dev_*.yaml"))
    assert files, f"no CRD in {CRDS}: `hacluster crd` writes it"
    bare_api_server.kubectl.install(files)
    return bare_api_server


@pytest.fixture
def namespace(api_server: ApiServer, request: pytest.FixtureRequest) -> str:
    """Give a namespace of the test's own."""
    return api_server.new_namespace(request.node.originalname)


def named_by_user(kubeconfig: Path, cache: Path) -> Kubectl:
    """Return kubectl for a cluster that the user named; fail unless its context is ours."""
    program = shutil.which("kubectl")
    require(program, "kubectl", "it is needed with HACLUSTER_TEST_KUBECONFIG")
    kubectl = Kubectl(program=Path(str(program)), kubeconfig=kubeconfig, cache=cache)
    context = kubectl.run("config", "current-context").strip()
    if not context.startswith(OUR_CONTEXTS):
        pytest.fail(
            f"HACLUSTER_TEST_KUBECONFIG has the context {context!r}. These tests install and "
            "delete things; "
            f"call a throw-away cluster's context {OUR_CONTEXTS}something to allow it.",
            pytrace=False,
        )
    return kubectl

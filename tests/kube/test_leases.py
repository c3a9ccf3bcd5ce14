"""Leases as witness on a real API server: the operator's rights, the nodes', the agent's word."""

import asyncio
import base64
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kube.conftest import ApiServer
from tests.kube.operator_process import rights
from tests.unit.plan.clusters import sample

from hacluster.errors import ArmDenied
from hacluster.kube.accounts import NodeAccounts
from hacluster.kube.connection import connect
from hacluster.model import agent
from hacluster.model.keys import ApiToken
from hacluster.model.reasons import Reason
from hacluster.plan.nodes import document, keys, lease, node_file
from hacluster.plan.view import View
from hacluster.reconcile.ports import Raw
from hacluster_local.controlplane.kubectl import KubectlError
from hacluster_node.core.clocks import Clocks
from hacluster_node.core.effects import ReadWitness, WriteWitness
from hacluster_node.core.events import WitnessAnswered, WitnessOutcome
from hacluster_node.core.record import Record
from hacluster_node.runtime.inbox import Inbox
from hacluster_node.runtime.stores import Stores
from hacluster_node.runtime.witnesses import Witnesses
from hacluster_node.runtime.workers import Workers
from hacluster_node.settings import node_file as agents_own
from hacluster_node.settings.document import parse
from hacluster_node.settings.own_keys import OwnKeys
from hacluster_node.witness.lease import LeaseAddress, LeaseRegister
from hacluster_node.witness.register import Conflict, Found, Missing, Unknown, Written

pytestmark = [pytest.mark.kube, pytest.mark.timeout(180)]

COMPONENT = Path(__file__).parents[2] / "deploy" / "components" / "kubernetes-lease"
T = 20.0
WEEK = timedelta(days=7)
Run = Callable[[Callable[[NodeAccounts], Awaitable[Any]]], Any]


def cluster(namespace: str, uid: str = "11111111-2222-3333-4444-555555555555") -> Raw:
    return Raw(body={"metadata": {"namespace": namespace, "name": "web", "uid": uid}})


def view(namespace: str) -> View:
    def change(spec: dict[str, Any]) -> None:
        spec["cluster"]["partition"] = {"witness": "KubernetesLease"}

    found = sample("minimal", change)
    return View.of(replace(found, namespace=namespace))


@dataclass
class Side:
    """The operator's side: its own rights, with or without the component."""

    kubeconfig: Path

    def run(self, work: Callable[[NodeAccounts], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            async with connect(self.kubeconfig) as client:
                return await work(NodeAccounts(client))

        with ThreadPoolExecutor(1) as pool:  # this thread's own event loop is pytest's
            return pool.submit(asyncio.run, connected()).result()

    def provide(self, namespace: str, of: Raw | None = None) -> None:
        self.run(lambda one: one.provide(of or cluster(namespace), lease.things(view(namespace))))

    def token(self, namespace: str, lasting: timedelta = WEEK) -> tuple[str, datetime]:
        account = view(namespace).names.nodes_account
        found: tuple[str, datetime] = self.run(
            lambda one: one.token(cluster(namespace), account, lasting)
        )
        return found


@pytest.fixture(scope="module")
def operator(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Side:
    kubeconfig = rights(api_server, tmp_path_factory.mktemp("operator"))
    role = (COMPONENT / "cluster-role.yaml").read_text()
    policy = (COMPONENT / "only-nodes.yaml").read_text()
    assert api_server.apply(role).ok
    assert api_server.apply(policy).ok
    side = Side(kubeconfig)
    _until_held(api_server, side)
    return side


def _until_held(api_server: ApiServer, operator: Side) -> None:
    """A policy is in force a moment after it was applied."""
    deadline = time.monotonic() + 60
    probe = ("create", "serviceaccount", "other", "--namespace", "default", "--dry-run=server")
    while may(api_server, operator, *probe):
        assert time.monotonic() < deadline, "the policy does not come into force"
        time.sleep(0.5)


def may(api_server: ApiServer, operator: Side, *words: str, stdin: str | None = None) -> bool:
    """Do something as the operator; tell whether it was let. What is refused names the policy."""
    as_operator = replace(api_server.kubectl, kubeconfig=operator.kubeconfig)
    try:
        as_operator.run(*words, stdin=stdin)
    except KubectlError as refused:
        if "hacluster-only-nodes" not in str(refused):
            raise
        return False
    return True


@dataclass
class Server:
    """The API server as a node's own file names it."""

    url: str
    ca: str


def test_the_operator_is_held_to_what_is_named_after_nodes(
    api_server: ApiServer, operator: Side, namespace: str
) -> None:
    """Its rights alone would give it tokens of every account, and every Lease."""
    operator.provide(namespace)
    mine, (own,) = view(namespace).names.nodes_account, lease.leases(view(namespace))
    place = ("--namespace", namespace)
    api_server.kubectl.run("create", "serviceaccount", "foreign", *place)
    assert not may(api_server, operator, "create", "token", "foreign", *place)
    assert may(api_server, operator, "create", "token", mine, *place)
    for number, thing in enumerate(lease.things(view(namespace))):
        other = {**thing, "metadata": {"name": f"other-{number}", "namespace": namespace}}
        assert not may(api_server, operator, "create", "-f", "-", stdin=json.dumps(other))
    change = json.dumps({"spec": {"holderIdentity": "me"}})
    (made,) = (one for one in lease.things(view(namespace)) if one["kind"] == "Lease")
    foreign = {**made, "metadata": {"name": "foreign", "namespace": namespace}}
    assert api_server.apply(json.dumps(foreign)).ok
    for name in (own, "foreign"):
        patch = ("patch", "lease", name, *place, "--type", "merge", "--patch", change)
        assert not may(api_server, operator, *patch)


@pytest.fixture
def server(api_server: ApiServer) -> Server:
    told = json.loads(api_server.kubectl.run("config", "view", "--raw", "-o", "json"))
    place = told["clusters"][0]["cluster"]
    if "certificate-authority-data" in place:
        ca = base64.b64decode(place["certificate-authority-data"]).decode()
    else:
        ca = Path(place["certificate-authority"]).read_text()
    return Server(place["server"], ca)


def register(server: Server, namespace: str, name: str, token: Callable[[], str]) -> LeaseRegister:
    return LeaseRegister(LeaseAddress(server.url, namespace, name, token, ca=server.ca))


def things(api_server: ApiServer, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        api_server.kubectl.run("get", kind, name, "--namespace", namespace, "-o", "json")
    )
    return found


def test_what_is_made_belongs_to_the_object_and_may_be_made_again(
    api_server: ApiServer, operator: Side, namespace: str
) -> None:
    for _ in range(2):
        operator.provide(namespace)
    for thing in lease.things(view(namespace)):
        kept = things(api_server, namespace, thing["kind"], thing["metadata"]["name"])
        (owner,) = kept["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("HAClusterSpec", cluster(namespace).uid)


def test_two_agents_take_turns_and_the_lease_keeps_its_owner(
    api_server: ApiServer, operator: Side, server: Server, namespace: str
) -> None:
    operator.provide(namespace)
    text, _ = operator.token(namespace)
    (name,) = lease.leases(view(namespace))
    one, two = (register(server, namespace, name, lambda: text) for _ in range(2))
    assert one.read(T) == two.read(T) == Missing()
    first = one.write(b'{"holder": "web-1"}', None, T)
    assert isinstance(first, Written)
    assert two.write(b'{"holder": "web-2"}', None, T) == Conflict()
    assert two.read(T) == Found(b'{"holder": "web-1"}', first.version)
    second = two.write(b'{"holder": "web-2"}', first.version, T)
    assert isinstance(second, Written)
    assert one.write(b'{"holder": "web-1"}', first.version, T) == Conflict()
    operator.provide(namespace)
    assert one.read(T) == Found(b'{"holder": "web-2"}', second.version), "nothing was emptied"
    kept = things(api_server, namespace, "lease", name)
    assert kept["spec"]["holderIdentity"] == "web-2"
    assert kept["metadata"]["ownerReferences"]


def test_the_nodes_may_do_nothing_else(
    api_server: ApiServer, operator: Side, server: Server, namespace: str
) -> None:
    operator.provide(namespace)
    text, until = operator.token(namespace)
    assert timedelta(hours=1) <= until - datetime.now(UTC) <= WEEK
    other = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "other"}}
    assert api_server.apply(
        json.dumps({**other, "metadata": {"name": "other", "namespace": namespace}})
    ).ok
    (name,) = lease.leases(view(namespace))
    for foreign in (
        register(server, namespace, "other", lambda: text),
        register(server, "default", name, lambda: text),
    ):
        assert isinstance(foreign.read(T), Unknown)
        assert isinstance(foreign.write(b"{}", None, T), Unknown)
    account = f"system:serviceaccount:{namespace}:{view(namespace).names.nodes_account}"
    for verb, what in (
        ("list", "leases"),
        ("create", "leases"),
        ("delete", f"leases/{name}"),
        ("get", "secrets"),
        ("get", "haclusters.hacluster.dev"),
        ("create", "serviceaccounts/token"),
    ):
        words = ("auth", "can-i", verb, what, "--as", account, "--namespace", namespace)
        with pytest.raises(Exception, match="no"):
            api_server.kubectl.run(*words)


def test_a_running_agent_takes_the_next_token_before_the_first_one_ends(
    operator: Side, server: Server, namespace: str, tmp_path: Path
) -> None:
    """From the operator's Secret to the node's file to the agent's witness, and once more."""
    operator.provide(namespace)
    found, path = view(namespace), tmp_path / "node.json"

    def brought(text: str) -> None:
        made = datetime.now(UTC)
        token = ApiToken(account="a", made=made, until=made + WEEK, text=text)
        ring = keys.with_token(keys.first(b"1" * 32, made), token)
        place = node_file.Place(
            cluster="web",
            node="web-1",
            container="https://store.example/box",
            client_id="c-1",
            resource_manager="https://management.azure.com",
            api_server=agent.ApiServer(server=server.url, ca=server.ca),
        )
        draft = tmp_path / "draft"
        draft.write_text(node_file.render(place, keys.from_data(keys.to_data(ring))))
        draft.replace(path)

    brought(operator.token(namespace)[0])
    witness = Witness(agents_own.read(path), document.content(found, {}))
    assert witness.read() == (WitnessOutcome.ABSENT, "", "")
    outcome, _, version = witness.write(None)
    assert outcome is WitnessOutcome.OK
    brought("not a token")
    outcome, detail, _ = witness.read()
    assert outcome is WitnessOutcome.UNKNOWN
    assert detail.startswith("HAN-W02")
    brought(operator.token(namespace)[0])
    assert witness.read() == (WitnessOutcome.OK, "", version)
    assert witness.write(version)[0] is WitnessOutcome.OK
    assert witness.write(version)[0] is WitnessOutcome.CONFLICT


class Witness:
    """A real agent's witness, as its own file and its configuration make it."""

    def __init__(self, node: agents_own.NodeFile, content: dict[str, Any]) -> None:
        own, self._inbox, self._counter = OwnKeys(node), Inbox(), 0
        stores = Stores(node.store, own.sas)
        self._witnesses = Witnesses(stores, Workers(), self._inbox, node.kubernetes, own.token)
        self._witnesses.configure(parse(content, node.node, 1))

    def read(self) -> tuple[WitnessOutcome, str, str]:
        self._witnesses.read(ReadWitness(1, "web", T))
        return self._answer()

    def write(self, expect: str | None) -> tuple[WitnessOutcome, str, str]:
        self._counter += 1
        record = Record("web-1", "run-1", "boot-1", 1, 15.0, self._counter)
        self._witnesses.write(WriteWitness(2, "web", record, expect, T))
        return self._answer()

    def _answer(self) -> tuple[WitnessOutcome, str, str]:
        maker = self._inbox.take(60.0)
        assert maker is not None
        event = maker(Clocks(0.0, 0.0, 0.0))
        assert isinstance(event, WitnessAnswered)
        return event.outcome, event.detail, event.version


def test_a_role_that_somebody_has_changed_is_put_right(
    api_server: ApiServer, operator: Side, namespace: str
) -> None:
    operator.provide(namespace)
    name = view(namespace).names.nodes_account
    wider = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    patch = json.dumps([{"op": "add", "path": "/rules/-", "value": wider}])
    api_server.kubectl.run(
        "patch", "role", name, "--namespace", namespace, "--type", "json", "--patch", patch
    )
    operator.provide(namespace)
    kept = things(api_server, namespace, "role", name)
    assert [one["resources"] for one in kept["rules"]] == [["leases"]]
    (owner,) = kept["metadata"]["ownerReferences"]
    assert owner["uid"] == cluster(namespace).uid


@pytest.mark.parametrize("kind", ["ServiceAccount", "Role", "Lease"])
def test_what_belongs_to_somebody_else_is_neither_used_nor_changed(
    api_server: ApiServer, operator: Side, namespace: str, kind: str
) -> None:
    (thing,) = (one for one in lease.things(view(namespace)) if one["kind"] == kind)
    name = thing["metadata"]["name"]
    foreign = {**thing, "metadata": {"name": name, "namespace": namespace}}
    assert api_server.apply(json.dumps(foreign)).ok
    with pytest.raises(ArmDenied, match="does not belong to this object") as refused:
        operator.provide(namespace)
    assert refused.value.reason is Reason.LEASE_DENIED
    if kind == "ServiceAccount":
        with pytest.raises(ArmDenied, match="does not belong to this object"):
            operator.token(namespace)
    assert "ownerReferences" not in things(api_server, namespace, kind, name)["metadata"]


def test_an_object_of_the_same_name_takes_nothing_over(operator: Side, namespace: str) -> None:
    operator.provide(namespace)
    later = cluster(namespace, uid="22222222-2222-3333-4444-555555555555")
    with pytest.raises(ArmDenied, match="does not belong to this object"):
        operator.provide(namespace, later)


def test_without_the_component_it_is_said_what_to_apply(
    api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """An account with the base's rights alone: its own, so that no other test's are taken away."""
    kubectl = api_server.kubectl
    kubectl.run("create", "serviceaccount", "bare", "--namespace", namespace)
    subject = f"--serviceaccount={namespace}:bare"
    rights(api_server, tmp_path)
    kubectl.run(
        "create",
        "clusterrolebinding",
        f"bare-{namespace}",
        "--clusterrole=hacluster-operator",
        subject,
    )
    token = kubectl.run("create", "token", "bare", "--namespace", namespace).strip()
    config = json.loads(kubectl.run("config", "view", "--raw", "-o", "json"))
    for user in config["users"]:
        user["user"] = {"token": token}
    path = tmp_path / "bare.kubeconfig"
    path.write_text(json.dumps(config))
    with pytest.raises(ArmDenied, match="apply deploy/components/kubernetes-lease") as refused:
        Side(path).provide(namespace)
    assert refused.value.reason is Reason.LEASE_DENIED


def test_the_component_goes_into_an_overlay(api_server: ApiServer, tmp_path: Path) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(COMPONENT.parents[1], copy)
    shutil.copytree(COMPONENT.parents[2] / "crds", tmp_path / "crds")
    file = copy / "overlays" / "secret-credentials" / "kustomization.yaml"
    file.write_text(f"{file.read_text()}components:\n  - ../../components/kubernetes-lease\n")
    built = list(yaml.safe_load_all(api_server.kubectl.run("kustomize", str(file.parent))))
    names = {(one["kind"], one["metadata"]["name"]) for one in built}
    assert ("ClusterRole", "hacluster-operator-kubernetes-lease") in names
    (deployment,) = (one for one in built if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert any(one["name"] == "HACLUSTER_NODE_API_SERVER" for one in container["env"])
    (role,) = (
        one
        for one in built
        if one["metadata"]["name"].endswith("-kubernetes-lease") and one["kind"] == "ClusterRole"
    )
    assert "*" not in json.dumps(role["rules"])

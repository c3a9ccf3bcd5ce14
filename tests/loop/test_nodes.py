"""The operator and the nodes: agents come, report, are upgraded, and their keys change."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.loop.guests import EPOCH, FakeAccounts, FakeVault, Guests, agents, upgraded
from tests.loop.world import World, merged, now, world

from hacluster.errors import ArmDenied, ArmUnavailable
from hacluster.model import kinds
from hacluster.model.agent import ApiServer
from hacluster.model.assessment import BackendHealth
from hacluster.model.keys import MasterKeys
from hacluster.model.reasons import Reason
from hacluster.plan.nodes import keys
from hacluster.plan.nodes.script import head_of
from hacluster.reconcile.health import EAGER
from hacluster.reconcile.keeper import Keeper
from hacluster.reconcile.one_pass import OnePass

pytestmark = [pytest.mark.looptime, pytest.mark.timeout(120)]
ADDRESSES = {"web-1": "10.6.0.10", "web-2": "10.6.0.11"}
SECRET = "web-hacluster-keys"


def with_agents(**spec: Any) -> tuple[World, Guests]:
    """Return a world whose machines have agents, before anything was done."""
    vault = FakeVault()
    made = world(agents(vault), **spec)
    return made, Guests(made, vault)


def begin(pair: tuple[World, Guests]) -> tuple[World, Guests]:
    """Let all of it run."""
    pair[0].start()
    pair[1].start()
    return pair


@pytest.fixture
def cluster() -> tuple[World, Guests]:
    return with_agents()


async def serving(pair: tuple[World, Guests], node: str = "web-1") -> None:
    """Wait until all nodes report, and let one of them serve."""
    made, guests = pair if pair[0].task else begin(pair)
    await until(lambda: len(guests.agents) == 2)
    serve(pair, node)
    await made.until("Ready", "True", 300)


def serve(pair: tuple[World, Guests], node: str, epoch: int = 1, **more: Any) -> None:
    made, guests = pair
    guests.serve(node, epoch, **more)
    made.azure.health = tuple(
        BackendHealth(address=address, is_up=name == node, why="Up_Probe_Success")
        for name, address in ADDRESSES.items()
    )


def restarted(made: World, new: Any) -> None:
    """Put another operator in place of the one that runs."""
    made.wake.stop()
    passes = made.keeper._passes
    assert isinstance(passes, OnePass)
    made.keeper = Keeper(replace(passes, agents=new), made.kubernetes)
    made.wake = type(made.wake)()
    made.start()


def held(guests: Guests) -> MasterKeys:
    return keys.from_data(guests.vault.secrets[SECRET].data)


async def until(is_so: Any, within_s: float = 600) -> None:
    began = now()
    while not is_so():
        assert now() - began < within_s
        await asyncio.sleep(1)


async def test_from_nothing_to_ready(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    status = made.kubernetes.body["status"]
    assert status["activeNode"] == "web-1"
    assert [(one["name"], one["role"], one["ready"]) for one in status["nodes"]] == [
        ("web-1", "Active", True),
        ("web-2", "Standby", True),
    ]
    assert status["groups"][0]["node"] == "web-1"
    assert made.kubernetes.condition("SplitBrainSafe")["status"] == "True"
    assert made.kubernetes.condition("Degraded")["status"] == "False"
    assert held(guests).ids == ("k1",)
    assert {name.partition("/")[0] for name in made.azure.blobs.writes} == {"agent", "config"}
    assert guests.vault.secrets[SECRET].owner == "u-1"


async def test_where_no_agent_ever_reports_azure_is_reconciled_and_it_is_said() -> None:
    made, guests = begin(with_agents())
    guests.is_model = True
    await made.until("AzureReconciled", "True", 300)
    await asyncio.sleep(300)
    found = made.kubernetes.condition("NodesConfigured")
    assert (found["status"], found["reason"]) == ("False", Reason.AWAITING_AGENT)
    assert "web-1: the agent was brought; its first report is awaited" in found["message"]
    assert made.kubernetes.condition("AzureReconciled")["status"] == "True"


async def test_a_settled_cluster_is_asked_little(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    await asyncio.sleep(300)
    blobs, looks = made.azure.blobs, len(made.azure.looks)
    blobs.reads.clear()
    writes, patches, secrets = len(blobs.writes), len(made.kubernetes.patches), guests.vault.reads
    await asyncio.sleep(600)
    assert len(blobs.writes) == writes
    assert len(made.kubernetes.patches) - patches <= 2
    assert len(made.azure.looks) - looks <= 12
    assert len(blobs.reads) <= 4 * 42
    assert all(how == "unchanged" for name, how in blobs.reads if name.startswith("config/"))
    assert guests.vault.reads - secrets <= 12


async def test_a_dead_agent_is_never_shown_healthy(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    guests.agents["web-2"].is_dead = True
    await made.until("NodesConfigured", "Unknown", 180)
    assert made.kubernetes.condition("NodesConfigured")["reason"] == Reason.AGENT_SILENT
    assert made.kubernetes.condition("Degraded")["status"] == "True"
    nodes = made.kubernetes.body["status"]["nodes"]
    assert [(one["role"], one["ready"]) for one in nodes] == [("Active", True), ("Unknown", False)]


async def test_lost_heartbeats_are_told_and_end_when_they_are_heard_again(
    cluster: tuple[World, Guests],
) -> None:
    made, guests = cluster
    await serving(cluster)

    def hear(node: str, other: str, *, alive: bool) -> None:
        peer = {"name": other, "alive": alive, "secondsSinceHeard": 0.5 if alive else 40}
        guests.agents[node].said["peers"] = [peer]

    hear("web-1", "web-2", alive=True)
    hear("web-2", "web-1", alive=False)
    await made.until("Degraded", "True", 60)
    found = made.kubernetes.condition("Degraded")
    assert found["reason"] == Reason.HEARTBEATS_LOST
    assert "web-2 does not hear web-1, which hears web-2" in found["message"]
    assert made.kubernetes.condition("Ready")["status"] == "True"
    hear("web-1", "web-2", alive=False)
    await until(lambda: "each other" in made.kubernetes.condition("Degraded")["message"], 60)
    hear("web-1", "web-2", alive=True)
    hear("web-2", "web-1", alive=True)
    await made.until("Degraded", "False", 60)


async def test_a_forged_or_replayed_report_is_not_believed(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    blobs, agent = made.azure.blobs, guests.agents["web-2"]
    old, _ = blobs.blobs["status/web-2"]
    await asyncio.sleep(60)
    agent.is_dead = True
    blobs.put("status/web-2", old.replace(b'"agentVersion"', b'"agentversion"'))
    await made.until("NodesConfigured", "False", 120)
    found = made.kubernetes.condition("NodesConfigured")
    assert found["reason"] == Reason.REPORT_NOT_BELIEVED
    assert "no accepted key signed" in found["message"]
    blobs.put("status/web-2", old)
    await until(lambda: "put back" in made.kubernetes.condition("NodesConfigured")["message"])
    agent.is_dead = False
    await made.until("Ready", "True", 120)


async def test_a_changed_spec_reaches_every_node(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    before = {name: one.generation for name, one in guests.agents.items()}
    made.change(cluster={"heartbeat": {"intervalSeconds": 2}})
    await until(
        lambda: all(
            one.content["heartbeat"]["intervalSeconds"] == 2 for one in guests.agents.values()
        )
    )
    await made.until("Ready", "True", 60)
    assert {name: one.generation for name, one in guests.agents.items()} == {
        name: one + 1 for name, one in before.items()
    }
    assert [one.starts for one in guests.agents.values()] == [1, 1]


async def test_other_software_comes_to_the_standby_first(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    guests.agents["web-2"].is_deaf = True
    was = guests.agents["web-1"].generation
    made.change(cluster={"nodeConfiguration": {"packages": ["nginx"]}})
    await asyncio.sleep(120)
    assert guests.agents["web-1"].generation == was
    guests.agents["web-2"].is_deaf = False
    await until(lambda: "packages" in guests.agents["web-1"].content["software"])


async def test_a_refused_configuration_is_told(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    guests.agents["web-1"].said["configurationRefused"] = "HAN-C01 groups: no"
    await made.until("NodesConfigured", "False", 120)
    found = made.kubernetes.condition("NodesConfigured")
    assert found["reason"] == Reason.CONFIGURATION_REFUSED
    assert "web-1: HAN-C01 groups: no" in found["message"]


async def test_a_node_that_is_ahead_gets_a_higher_generation(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    del made.azure.blobs.blobs["config/web-1"]
    guests.agents["web-1"].generation = 41
    await until(lambda: guests.agents["web-1"].generation == 42)
    await made.until("Ready", "True", 120)


async def test_an_upgrade_takes_the_standby_and_waits_with_the_active_node(
    cluster: tuple[World, Guests],
) -> None:
    made, guests = cluster
    await serving(cluster)
    restarted(made, upgraded(agents(guests.vault), b"agent 2"))
    await until(lambda: guests.agents["web-2"].starts == 2)
    await asyncio.sleep(120)
    assert guests.agents["web-1"].starts == 1
    found = made.kubernetes.condition("NodesConfigured")
    assert (found["status"], found["reason"]) == ("False", Reason.DISRUPTION_HELD)
    assert "move the groups" in found["message"]
    assert made.kubernetes.condition("AzureReconciled")["status"] == "True"
    serve(cluster, "web-2", epoch=2)
    await until(lambda: guests.agents["web-1"].starts == 2)
    await made.until("Ready", "True", 120)


async def test_nothing_is_upgraded_while_the_cluster_cannot_spare_a_node(
    cluster: tuple[World, Guests],
) -> None:
    made, guests = cluster
    await serving(cluster)
    guests.agents["web-2"].said["groups"] = [
        {"name": "web", "standing": "Inactive", "epoch": 1, "witnessFailures": 5}
    ]
    await made.until("Degraded", "True", 120)
    restarted(made, upgraded(agents(guests.vault), b"agent 2"))
    await asyncio.sleep(180)
    assert [one.starts for one in guests.agents.values()] == [1, 1]
    assert made.kubernetes.condition("NodesConfigured")["reason"] == Reason.DISRUPTION_HELD


async def test_a_script_that_fails_is_told_and_tried_again(cluster: tuple[World, Guests]) -> None:
    made, guests = begin(cluster)
    failed = {"executionState": "Failed", "exitCode": 1, "error": "no way out to the store"}
    made.azure.runs["web-2"] = failed
    await until(lambda: "no way out" in str(made.kubernetes.condition("NodesConfigured")))
    found = made.kubernetes.condition("NodesConfigured")
    assert (found["status"], found["reason"]) == ("False", Reason.INSTALL_FAILED)
    await made.until("AzureReconciled", "True", 120)
    await asyncio.sleep(300)
    thing = next(one for k, one in made.azure.things.items() if "web-2/runcommands" in k)
    head = head_of(thing.body["properties"]["source"]["script"])
    assert head is not None
    assert 3 <= head.attempt <= 7
    del made.azure.runs["web-2"]
    await until(lambda: "web-2" in guests.agents, 900)
    await serving(cluster)


async def test_keys_are_rotated_without_a_start(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    made.annotate(kinds.ROTATE_KEYS, "now")
    steps = [held(guests)]

    def is_done() -> bool:
        if held(guests) != steps[-1]:
            steps.append(held(guests))
        return len(steps) == 4

    while not is_done():
        await asyncio.sleep(1)
        accepted = {name: set(one.ring.keys) for name, one in guests.agents.items()}
        assert set.intersection(*accepted.values()), "no key that all accept"
        assert not any(one.refused for one in guests.agents.values())
    assert [(one.ids, one.active) for one in steps] == [
        (("k1",), "k1"),
        (("k1", "k2"), "k1"),
        (("k1", "k2"), "k2"),
        (("k2",), "k2"),
    ]
    await until(lambda: all(set(one.ring.keys) == {"k2"} for one in guests.agents.values()))
    assert [one.starts for one in guests.agents.values()] == [1, 1]
    await made.until("Ready", "True", 120)
    await asyncio.sleep(300)
    assert held(guests).ids == ("k2",)


async def test_a_rotation_waits_for_a_silent_node(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    guests.agents["web-2"].is_dead = True
    await made.until("NodesConfigured", "Unknown", 180)
    made.annotate(kinds.ROTATE_KEYS, "now")
    await asyncio.sleep(300)
    assert (held(guests).ids, held(guests).active) == (("k1", "k2"), "k1")
    guests.agents["web-2"].is_dead = False
    await until(lambda: held(guests).ids == ("k2",))


async def test_old_keys_are_rotated_by_themselves(cluster: tuple[World, Guests]) -> None:
    _, guests = cluster
    soon = datetime(2026, 1, 1, 0, 20, tzinfo=UTC)
    old = keys.first(b"o" * 32, soon - keys.ROTATE_AFTER)
    guests.vault.put(SECRET, keys.to_data(old), owner="u-1")
    await serving(cluster)
    await until(lambda: now() > 1190, 1200)
    assert held(guests).ids == ("k1",)
    await until(lambda: held(guests).ids == ("k2",), 900)


SAS = {"cluster": {"store": {"access": "SAS"}}}


def signatures(guests: Guests) -> set[str]:
    return {one.file["store"].get("sas", "") for one in guests.agents.values()}


def age(guests: Guests, **by: float) -> None:
    """Let the SAS be older than it is."""
    before = held(guests)
    assert before.sas is not None
    past = timedelta(**by)
    older = replace(before.sas, made=before.sas.made - past, until=before.sas.until - past)
    guests.vault.put(SECRET, keys.to_data(keys.with_sas(before, older)), owner="u-1")


async def test_with_sas_the_nodes_get_one_and_the_next_long_before_its_end() -> None:
    pair = made, guests = with_agents(**SAS)
    await serving(pair)
    assert signatures(guests) == {"sig=hunter1"}
    assert made.kubernetes.condition("NodesConfigured")["status"] == "True"
    assert not [one for one in made.azure.things if "/roleassignments/" in one]
    for number in (2, 3):
        age(guests, days=1, hours=23.5)
        await asyncio.sleep(900)
        assert len(made.azure.blobs.signed) == number - 1
        age(guests, hours=0.5)
        await until(lambda count=number: signatures(guests) == {f"sig=hunter{count}"})
        await made.until("Ready", "True", 60)
        since, end = made.azure.blobs.signed[-1]
        assert since.timestamp() < EPOCH + now()
        assert 5.9 * 86400 < end.timestamp() - EPOCH - now() <= 6 * 86400
    assert [one.starts for one in guests.agents.values()] == [1, 1]
    assert "hunter" not in json.dumps(made.kubernetes.body) + repr(made.azure.things)
    assert "hunter" not in repr(made.kubernetes.events) + repr(guests.vault.secrets)


async def test_a_sas_that_is_denied_is_told_and_holds_up_no_configuration() -> None:
    pair = made, guests = with_agents(**SAS)
    await serving(pair)
    why = "Asking for a user delegation key was answered 403"
    made.azure.blobs.refuse_sas = ArmDenied(why, reason=Reason.STORE_DENIED)
    age(guests, days=2)
    await made.until("NodesConfigured", "False", 300)
    found = made.kubernetes.condition("NodesConfigured")
    assert (found["reason"], found["message"]) == (Reason.STORE_DENIED, why)
    made.change(cluster={"heartbeat": {"intervalSeconds": 2}})
    await until(
        lambda: all(
            one.content["heartbeat"]["intervalSeconds"] == 2 for one in guests.agents.values()
        )
    )
    assert signatures(guests) == {"sig=hunter1"}
    made.azure.blobs.refuse_sas = None
    await until(lambda: signatures(guests) == {"sig=hunter2"})
    await made.until("NodesConfigured", "True", 300)


async def test_a_paused_cluster_says_that_its_sas_will_end() -> None:
    pair = made, guests = with_agents(**SAS)
    await serving(pair)
    made.change(management={"paused": True})
    age(guests, days=3)
    await made.until("NodesConfigured", "False", 300)
    found = made.kubernetes.condition("NodesConfigured")
    assert found["reason"] == Reason.SAS_OVERDUE
    assert "it ends 2026-01-04T00:" in found["message"]
    made.change(management={"paused": False})
    await until(lambda: signatures(guests) == {"sig=hunter2"})
    await made.until("NodesConfigured", "True", 300)


async def test_a_rotation_brings_another_sas_and_an_identity_needs_none() -> None:
    pair = made, guests = with_agents(**SAS)
    await serving(pair)
    made.annotate(kinds.ROTATE_KEYS, "lost")
    await until(lambda: held(guests).ids == ("k2",) and signatures(guests) == {"sig=hunter2"})
    assert [one.starts for one in guests.agents.values()] == [1, 1]
    made.change(cluster={"store": {"access": "ManagedIdentity"}})
    await until(lambda: held(guests).sas is None)


LEASE = {"cluster": {"partition": {"witness": "KubernetesLease"}}}
API = ApiServer(server="https://api.example:6443", ca="PEM")


def with_leases(**spec: Any) -> tuple[World, Guests, FakeAccounts]:
    """Return a world whose nodes have Leases as witness."""
    vault, accounts = FakeVault(), FakeAccounts()
    made = world(replace(agents(vault), accounts=accounts, api_server=API), **merged(LEASE, spec))
    return made, Guests(made, vault), accounts


def tokens(guests: Guests) -> set[str]:
    return {one.file["kubernetes"]["token"] for one in guests.agents.values()}


async def test_with_leases_the_nodes_get_rights_and_tokens_in_good_time() -> None:
    made, guests, accounts = with_leases()
    accounts.lasts_s = 3600.0  # This API server gives no more.
    await serving((made, guests))
    assert accounts.provided[0] == [
        "ServiceAccount web-hacluster-nodes",
        "Role web-hacluster-nodes",
        "RoleBinding web-hacluster-nodes",
        "Lease web-hacluster-web",
    ]
    agent = guests.agents["web-1"]
    assert agent.file["kubernetes"] == {"server": API.server, "ca": "PEM", "token": "hunter1"}
    place = {"namespace": "default", "name": "web-hacluster"}
    assert agent.content["partition"]["witness"] == {"type": "KubernetesLease", **place}
    for number in (2, 3):
        await until(lambda count=number: tokens(guests) == {f"hunter{count}"}, 1400)
        began, _ = accounts.given[-1]
        assert 1200 <= began - accounts.given[-2][0] < 1400, "a third of its time"
        await made.until("Ready", "True", 60)
    assert [one.starts for one in guests.agents.values()] == [1, 1]
    assert 4 <= len(accounts.provided) <= 6, "looked at every ten minutes"
    assert "hunter" not in json.dumps(made.kubernetes.body) + repr(made.azure.things)
    assert "hunter" not in repr(made.kubernetes.events) + repr(guests.vault.secrets)


async def test_a_paused_cluster_says_that_its_token_will_end() -> None:
    made, guests, accounts = with_leases()
    accounts.lasts_s = 7200.0
    await serving((made, guests))
    made.change(management={"paused": True})
    await asyncio.sleep(3000)
    assert made.kubernetes.condition("NodesConfigured")["status"] == "True"
    await made.until("NodesConfigured", "False", 1200)
    found = made.kubernetes.condition("NodesConfigured")
    assert found["reason"] == Reason.TOKEN_OVERDUE
    assert "it ends 2026-01-01T02:" in found["message"]
    assert len(accounts.given) == 1
    made.change(management={"paused": False})
    await until(lambda: tokens(guests) == {"hunter2"})
    await made.until("NodesConfigured", "True", 300)


async def test_another_group_gets_its_lease_at_once() -> None:
    made, guests, accounts = with_leases()
    await serving((made, guests))
    unit = {"name": "unit", "type": "Systemd", "systemd": {"unit": "one.service"}}
    groups = made.kubernetes.body["spec"]["cluster"]["failoverGroups"]
    made.change(cluster={"failoverGroups": [*groups, {"name": "db", "resources": [unit]}]})
    await until(lambda: "Lease web-hacluster-db" in accounts.provided[-1], 120)


async def test_leases_that_are_denied_are_told_until_they_are_not() -> None:
    made, guests, accounts = with_leases()
    accounts.refuse = ArmDenied("Making the Role is forbidden", reason=Reason.LEASE_DENIED)
    begin((made, guests))
    await made.until("AzureReconciled", "True", 300)
    await asyncio.sleep(120)
    found = made.kubernetes.condition("NodesConfigured")
    assert (found["status"], found["reason"]) == ("False", Reason.LEASE_DENIED)
    assert accounts.given == []
    assert guests.agents == {}
    accounts.refuse = None
    await serving((made, guests))


async def test_leases_are_refused_where_no_api_server_was_told() -> None:
    made, guests = with_agents(**LEASE)
    begin((made, guests))
    await made.until("AzureReconciled", "True", 300)
    found = made.kubernetes.condition("NodesConfigured")
    assert (found["status"], found["reason"]) == ("False", Reason.REFUSED)
    assert "HACLUSTER_NODE_API_SERVER" in found["message"]


async def test_lost_keys_are_made_anew_and_taken_up(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    before = held(guests)
    del guests.vault.secrets[SECRET]
    await until(lambda: SECRET in guests.vault.secrets)
    assert held(guests).masters != before.masters
    await until(lambda: made.kubernetes.condition("NodesConfigured")["status"] == "True")
    await made.until("Ready", "True", 300)
    assert [one.starts for one in guests.agents.values()] == [1, 1]


async def test_a_failover_is_told_with_its_seconds(cluster: tuple[World, Guests]) -> None:
    made, guests = cluster
    await serving(cluster)
    await asyncio.sleep(60)
    guests.agents["web-1"].is_dead = True
    died = guests.agents["web-1"].status()["at"]
    await asyncio.sleep(17)
    back = guests.agents["web-2"].status()["at"]
    event = {"subject": "web", "what": "Online", "at": back, "epoch": 2}
    serve(cluster, "web-2", epoch=2)
    guests.agents["web-2"].said["events"] = [event | {"why": "web-1 did not renew its lease"}]
    await until(lambda: made.kubernetes.body["status"].get("failovers"))
    assert made.kubernetes.condition("SplitBrainSafe")["status"] == "True"
    moved = made.kubernetes.body["status"]["failovers"][0]
    assert (moved["from"], moved["to"], moved["group"]) == ("web-1", "web-2", "web")
    assert moved["why"] == "web-1 did not renew its lease"
    assert 17 <= moved["seconds"] <= back - died + 5
    assert made.kubernetes.body["status"]["activeNode"] == "web-2"


async def test_ready_returns_soon_after_the_balancer_has_noticed_a_failover(
    cluster: tuple[World, Guests],
) -> None:
    made, guests = cluster
    made.azure.remembers_health = True
    await serving(cluster)
    await asyncio.sleep(300)
    guests.serve("web-2", epoch=2)  # The balancer's probes have not noticed it yet.
    await made.until("Ready", "Unknown", 30)
    await asyncio.sleep(10)
    serve(cluster, "web-2", epoch=2)
    assert await made.until("Ready", "True", 60) <= 6  # The probes of the sample are 5 s apart.


async def test_evidence_that_differs_for_ever_is_no_reason_to_ask_for_ever(
    cluster: tuple[World, Guests],
) -> None:
    made, guests = cluster
    await serving(cluster)
    await asyncio.sleep(300)
    asked = made.azure.health_asked
    guests.serve("web-2", epoch=2)
    await asyncio.sleep(1800)
    assert made.azure.health_asked - asked <= 1800 / 60 + EAGER + 1
    assert made.kubernetes.condition("ExactlyOneActive")["reason"] == Reason.EVIDENCE_DIFFERS


async def test_a_store_that_is_away_is_told_and_changes_nothing(
    cluster: tuple[World, Guests],
) -> None:
    made, _ = cluster
    await serving(cluster)
    writes = len(made.azure.writes)
    away = ArmUnavailable("no answer", reason=Reason.STORE_UNREACHABLE)
    made.azure.blobs.refuse = away
    await made.until("NodesConfigured", "Unknown", 120)
    assert made.kubernetes.condition("NodesConfigured")["reason"] == Reason.STORE_UNREACHABLE
    await asyncio.sleep(120)
    assert len(made.azure.writes) == writes
    assert made.kubernetes.condition("AzureReconciled")["status"] == "True"
    made.azure.blobs.refuse = None
    await made.until("Ready", "True", 120)


@pytest.mark.parametrize("setting", [{"paused": True}, {"mode": "Observe"}])
async def test_nothing_is_written_where_nothing_may_be(setting: dict[str, Any]) -> None:
    made, guests = begin(with_agents(management=setting))
    await asyncio.sleep(120)
    assert not guests.vault.writes
    assert not made.azure.blobs.writes
    assert not made.azure.writes


async def test_a_secret_of_another_object_is_left_alone() -> None:
    made, guests = begin(with_agents())
    guests.vault.put(SECRET, {"password": b"x"})
    await until(lambda: made.kubernetes.condition("NodesConfigured").get("status") == "False")
    found = made.kubernetes.condition("NodesConfigured")
    assert found["reason"] == Reason.SECRET_INVALID
    assert not guests.vault.writes


async def test_the_keys_of_an_earlier_object_are_taken_over(cluster: tuple[World, Guests]) -> None:
    _, guests = cluster
    old = keys.first(b"o" * 32, datetime(2025, 12, 31, tzinfo=UTC))
    guests.vault.put(SECRET, keys.to_data(old), owner="u-0")
    await serving(cluster)
    assert guests.vault.secrets[SECRET].owner == "u-1"
    assert held(guests) == old


class Killed(BaseException):
    """The operator dies here, as by SIGKILL: nothing catches it."""


class Mortal:
    """Makes each write of the operator its last, twice: before it has its effect, and after."""

    def __init__(self, pair: tuple[World, Guests]) -> None:
        self.struck: Counter[str] = Counter()
        azure, vault = pair[0].azure, pair[1].vault
        for owner, name in (
            (azure, "apply"),
            (azure.blobs, "write"),
            (vault, "create"),
            (vault, "replace"),
        ):
            setattr(owner, name, self._wrapped(name, getattr(owner, name)))

    def _wrapped(self, name: str, write: Any) -> Any:
        async def mortal(*arguments: Any, **more: Any) -> Any:
            first = arguments[0]
            what = f"{name} {first if isinstance(first, str) else getattr(first, 'id', '')}"
            self.struck[what] += 1
            if self.struck[what] == 1:
                raise Killed
            result = await write(*arguments, **more)
            if self.struck[what] == 2:
                raise Killed
            return result

        return mortal


async def test_an_operator_killed_at_every_write_leaves_no_trace(
    cluster: tuple[World, Guests],
) -> None:
    mortal, (made, guests) = Mortal(cluster), begin(cluster)
    for _ in range(1200):
        await asyncio.sleep(1)
        assert made.task is not None
        if made.task.done():
            assert isinstance(made.task.exception(), Killed)
            restarted(made, made.keeper._passes.agents)  # type: ignore[attr-defined] # OnePass
        if len(guests.agents) == 2 and "groups" not in guests.agents["web-1"].said:
            serve(cluster, "web-1")
        if made.kubernetes.condition("Ready").get("status") == "True":
            break
    assert made.kubernetes.condition("Ready")["status"] == "True"
    assert len(mortal.struck) > 20
    assert {name for name, times in mortal.struck.items() if times < 2} == set()
    assert {name: one.starts for name, one in guests.agents.items()} == {"web-1": 1, "web-2": 1}
    assert held(guests).ids == ("k1",)
    assert {one.generation for one in guests.agents.values()} == {1}
    assert guests.vault.writes == [f"create {SECRET}"]

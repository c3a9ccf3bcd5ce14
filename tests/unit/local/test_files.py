"""Files that hold secrets are for their owner only; files for a shell are read by a shell."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from hacluster_local import azure, logs, shell
from hacluster_local.controlplane import access

SAID = {
    "resourceManager": "https://127.0.0.1:1/",
    "authority": "https://127.0.0.1:2",
    "caFile": "/tmp/ca",
    "tenantId": "t",
    "subscriptionId": "s",
    "clientId": "c",
    "clientSecret": "it's $HOME `id`",
    "proxy": "http://127.0.0.1:3128",
    "insideResourceManager": "https://management.azure.com",
}


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old, and open to all")
    file.chmod(0o644)
    access.write_secret(file, "new")
    assert (mode(file), file.read_text()) == (0o600, "new")


def test_a_shell_reads_exactly_what_was_meant(tmp_path: Path) -> None:
    variables = shell.settings(azure.parse(SAID), tmp_path / "a b" / "ca.pem")
    shell.write_env(tmp_path, variables)
    assert mode(tmp_path / "env") == 0o600
    dump = "import os, json; print(json.dumps(dict(os.environ)))"
    script = f'. "{tmp_path}/env"; exec python3 -c "{dump}"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert {name: seen[name] for name in variables} == variables


def test_the_contracts_variables_are_there(tmp_path: Path) -> None:
    assert set(shell.settings(azure.parse(SAID), tmp_path)) == {
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_SUBSCRIPTION_ID",
        "AZURE_AUTHORITY_HOST",
        "AZURE_RESOURCE_MANAGER",
        "AZURE_CA_FILE",
    }


def test_what_is_shown_of_azure_has_no_secret() -> None:
    assert SAID["clientSecret"] not in repr(azure.parse(SAID))


def test_the_simulators_command_knows_its_directory(tmp_path: Path) -> None:
    shell.write_commands(tmp_path)
    assert mode(tmp_path / "sim") & stat.S_IXUSR
    assert f"--directory {tmp_path}/azure" in (tmp_path / "sim").read_text()


def test_a_kubeconfig_has_one_context_and_it_is_ours(tmp_path: Path) -> None:
    authority = access.Authority(tmp_path / "pki", "test")
    user = access.by_certificate(authority.client("admin", "admin", ("system:masters",)))
    file = access.write_kubeconfig(
        tmp_path / "kubeconfig", "https://127.0.0.1:1", authority.certificate, user
    )
    config = yaml.safe_load(file.read_text())
    assert mode(file) == 0o600
    assert config["current-context"] == access.CONTEXT
    assert [each["name"] for each in config["contexts"]] == [access.CONTEXT]


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    authority = access.Authority(tmp_path / "pki", "test")
    assert mode(authority.server("s").key) == mode(authority.client("c", "u").key) == 0o600
    assert mode(tmp_path / "pki") == 0o700
    assert not (tmp_path / "pki" / "ca.key").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("fine\nERROR: x\nfine\n", "    ERROR: x", id="trouble first"),
        pytest.param("fine\nand well\n", "    fine\n    and well", id="no trouble"),
        pytest.param("", "    (empty)", id="empty"),
    ],
)
def test_what_matters_in_a_log(content: str, expected: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(content)
    assert logs.what_matters(log) == expected


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / os.urandom(4).hex()) == "    (empty)"

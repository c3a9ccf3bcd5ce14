"""What a user at a shell gets from `make up`: `.local/env`, `.local/sim` and `.local/on`."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from hacluster_local.azure import Azure
from hacluster_local.controlplane.access import write_secret
from hacluster_local.setup.checkout import PYTHON, SOURCES


def settings(azure: Azure, ca_file: Path) -> dict[str, str]:
    """Return the environment variables by which Azure clients find the simulated Azure."""
    return {
        "AZURE_TENANT_ID": azure.tenant_id,
        "AZURE_CLIENT_ID": azure.client_id,
        "AZURE_CLIENT_SECRET": azure.client_secret,
        "AZURE_SUBSCRIPTION_ID": azure.subscription_id,
        "AZURE_AUTHORITY_HOST": azure.authority,
        "AZURE_RESOURCE_MANAGER": azure.resource_manager,
        "AZURE_CA_FILE": str(ca_file),
    }


def way(azure: Azure) -> dict[str, str]:
    """Return the variables by which the operator reaches storage accounts, and machines ARM."""
    return {
        "HTTPS_PROXY": azure.proxy,
        "NO_PROXY": "127.0.0.1,localhost",
        "HACLUSTER_NODE_RESOURCE_MANAGER": azure.inside,
    }


def write_env(home: Path, variables: Mapping[str, str]) -> None:
    """Write ``home/env``, which holds a secret, so that only its owner can read it."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    write_secret(home / "env", "\n".join(lines) + "\n")


def write_commands(home: Path) -> None:
    """Write ``home/sim``, the simulator's command line, and ``home/on``, a command on a machine."""
    directory = shlex.quote(str(home / "azure"))
    _write_script(home / "sim", f'"$@" --directory {directory}')
    _write_script(home / "on", f'machine run --directory {directory} "$@"')


def _write_script(path: Path, words: str) -> None:
    python, sources = shlex.quote(str(PYTHON)), shlex.quote(str(SOURCES))
    path.write_text(f"#!/bin/sh\nPYTHONPATH={sources} exec {python} -m azuresim {words}\n")
    path.chmod(0o755)

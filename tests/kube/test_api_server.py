"""The session's API server is a real one, and ours."""

from pathlib import Path

import pytest
from tests.kube.conftest import ApiServer, named_by_user


def test_it_keeps_what_is_applied(bare_api_server: ApiServer) -> None:
    namespace = bare_api_server.new_namespace("keeps")
    applied = bare_api_server.apply(
        "{apiVersion: v1, kind: ConfigMap, data: {k: v}, "
        f"metadata: {{name: a, namespace: {namespace}}}}}"
    )
    assert applied == (True, "")
    assert bare_api_server.kubectl.get("configmap", "a", "-n", namespace)["data"] == {"k": "v"}


def test_a_refusal_carries_the_servers_reason(bare_api_server: ApiServer) -> None:
    ok, message = bare_api_server.apply(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: Upper, namespace: default}}"
    )
    assert not ok
    assert "lowercase RFC 1123" in message


def test_two_namespaces_are_never_the_same(bare_api_server: ApiServer) -> None:
    assert bare_api_server.new_namespace("x") != bare_api_server.new_namespace("x")


def test_it_has_no_rights_to_give_to_strangers(bare_api_server: ApiServer) -> None:
    asked = bare_api_server.kubectl.attempt("auth", "can-i", "get", "secrets", "--as", "stranger")
    assert asked.stdout.strip() == "no"


@pytest.mark.parametrize("context", ["production", "kind-kind"])
def test_a_context_that_is_not_ours_is_refused(
    context: str, bare_api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(bare_api_server.kubectl.program.parent))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(f"{{apiVersion: v1, kind: Config, current-context: {context}}}")
    with pytest.raises(pytest.fail.Exception, match=f"has the context '{context}'"):
        named_by_user(kubeconfig, tmp_path)


def test_our_kinds_are_served(api_server: ApiServer, namespace: str) -> None:
    for kind in ("haclusters", "hac"):
        assert api_server.kubectl.get(kind, "--namespace", namespace)["items"] == []

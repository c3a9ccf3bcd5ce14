"""Secret values on their way out: references in bodies become values just before the request.

A plan holds references only: `SecretKey`, `SecretContent` for a file's content, and `NodeFileRef`
for what is derived from a cluster's master keys. The values are read for one request and are in no
log, no status and no exception.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from hacluster.errors import ArmDenied, ArmUnavailable, InvariantBroken
from hacluster.model.azure import SecretKey
from hacluster.model.reasons import Reason
from hacluster.plan.nodes import keys, node_file
from hacluster.plan.nodes.node_file import NodeFileRef
from hacluster.plan.nodes.preparation import SecretContent
from hacluster.plan.steps import Pending
from hacluster.reconcile.ports import Secrets


async def filled(body: Any, namespace: str, secrets: Secrets) -> Any:
    """Return the body with every reference replaced by its value.

    Raises:
        HAClusterError: a Secret or a key is missing, or a value is not known yet.
    """
    if isinstance(body, Pending):
        raise InvariantBroken(f"A body was to be sent before Azure had chosen {body.field}")
    if isinstance(body, SecretKey):
        return await _value(body, namespace, secrets)
    if isinstance(body, NodeFileRef):
        return await _node_file(body, namespace, secrets)
    if isinstance(body, SecretContent):
        return await _content(body, namespace, secrets)
    if isinstance(body, Mapping):
        return {key: await filled(value, namespace, secrets) for key, value in body.items()}
    if isinstance(body, (list, tuple)):
        return [await filled(value, namespace, secrets) for value in body]
    return body


async def _node_file(wanted: NodeFileRef, namespace: str, secrets: Secrets) -> str:
    secret = await secrets.read(namespace, wanted.secret)
    try:
        found = keys.from_data(secret.data)
    except keys.KeysInvalidError as error:
        why = f"The Secret {namespace}/{wanted.secret} cannot be used: {error}"
        raise ArmDenied(why, reason=Reason.SECRET_INVALID) from None
    if keys.fingerprint(found) != wanted.fingerprint:
        why = f"The Secret {namespace}/{wanted.secret} has changed since: the step is made anew"
        raise ArmUnavailable(why, reason=Reason.PROGRESSING)
    return node_file.render(wanted.place, found)


async def _content(wanted: SecretContent, namespace: str, secrets: Secrets) -> str:
    secret = await secrets.read(namespace, wanted.secret.name)
    if secret.version != wanted.version:
        why = (
            f"The Secret {namespace}/{wanted.secret.name} has changed since: the step is made anew"
        )
        raise ArmUnavailable(why, reason=Reason.PROGRESSING)
    return b64encode(secret.bytes(wanted.secret.key)).decode()


async def _value(wanted: SecretKey, namespace: str, secrets: Secrets) -> str:
    secret = await secrets.read(namespace, wanted.name)
    return secret.text(wanted.key)

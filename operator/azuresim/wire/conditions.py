"""`If-Match` and `If-None-Match`: a write only if nobody was faster."""

from collections.abc import Mapping

from azuresim.errors import ArmError
from azuresim.resources.families import Family, bare
from azuresim.state.records import Record


def check(family: Family, sent: Mapping[str, str], resource_id: str, record: Record | None) -> None:
    """Refuse a write whose conditions do not hold; providers without etags look at none.

    Raises:
        ArmError: 412 in the provider's own words.
    """
    if not family.etag:
        return
    wanted, unwanted = sent.get("If-Match"), sent.get("If-None-Match")
    if wanted is not None:
        _must_match(family, wanted, resource_id, record)
    if unwanted is None or record is None:
        return
    if unwanted.strip() == "*" or bare(unwanted) == record.etag:
        if family.exists is not None:
            raise family.exists(resource_id)
        message = f"The condition 'If-None-Match: {bare(unwanted)[:80]}' was not satisfied: "
        raise ArmError(412, "PreconditionFailed", f"{message}resource {resource_id} exists.")


def _must_match(family: Family, wanted: str, resource_id: str, record: Record | None) -> None:
    tags = [bare(tag) for tag in wanted.split(",")]
    if record is None:
        raise family.mismatch(tags[0], "null", resource_id)
    if "*" not in tags and record.etag not in tags:
        raise family.mismatch(tags[0], family.tag(record.etag), resource_id)

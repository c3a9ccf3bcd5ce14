"""The way of a request: who asks, for what, in which words; then faults, effect, record.

Everything between the request's last byte and the reply's first happens in one
piece on one thread: requests never see each other half done.
"""

import time
import uuid
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from azuresim import ids
from azuresim.errors import ArmError, group_not_found
from azuresim.faults.rules import About, Faults
from azuresim.identity import locked
from azuresim.identity.entra import Entra
from azuresim.identity.rights import Rights, action_of, scope_of
from azuresim.identity.tokens import NOBODY, Claims, Tokens
from azuresim.record.exchanges import Exchange, Exchanges
from azuresim.resources.call import Call
from azuresim.resources.catalog import GROUP_KIND, Target
from azuresim.resources.deployments import KIND
from azuresim.resources.subscriptions import Listing, Scene
from azuresim.resources.versions import RESOURCES
from azuresim.wire import deletes, deployments, operations, reads, tags, versions, writes
from azuresim.wire.answer import Answer, refusal
from azuresim.wire.request import Request, json_body, required_body
from azuresim.wire.routes import Match, Routes
from azuresim.wire.service import Service
from azuresim.wire.throttling import Throttle, quota_of, unlimited

MACHINE: Final = "microsoft.compute/virtualmachines"


class Pipeline:
    """Answers requests.

    Args:
        service: The simulator.
        entra: Signs callers in.
        tokens: Checks who calls.
        faults: What is to go wrong.
        exchanges: Remembers what was said.
        routes: The fixed paths.
        rights: Judges what callers may do.
        throttle: Counts what callers ask for; None lets everybody through.
    """

    def __init__(
        self,
        service: Service,
        *,
        entra: Entra,
        tokens: Tokens,
        faults: Faults,
        exchanges: Exchanges,
        routes: Routes,
        throttle: Throttle | None,
        rights: Rights,
    ) -> None:
        self._service = service
        self._entra = entra
        self._tokens = tokens
        self._faults = faults
        self._exchanges = exchanges
        self._routes = routes
        self._throttle = throttle
        self._rights = rights

    def serve(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            CutError: If a fault wants the connection cut instead.
        """
        started = time.perf_counter()
        request_id = str(uuid.uuid4())
        about = About(verb=request.verb)
        status = 0
        try:
            self._service.settle()
            path = ids.parse(request.raw_path)
            about, target, match = self._ask(request, path)
            self._faults.before(about)
            answer = self._effect(request, path, target, match, about)
            self._faults.after(about)
            status = answer.status
        except ArmError as error:
            answer = refusal(error)
            status = answer.status
        finally:
            self._exchanges.add(
                Exchange(
                    at=self._service.clock.now(),
                    verb=request.verb,
                    path=request.raw_path[:512],
                    kind=about.kind,
                    version=request.query.get("api-version", "")[:40],
                    status=status,
                    took_ms=round((time.perf_counter() - started) * 1000, 3),
                    request_id=request_id,
                )
            )
        headers = _headers(request, answer, request_id)
        return replace(answer, headers=headers, delay_s=self._faults.delay(about))

    def _ask(self, request: Request, path: ids.Path) -> tuple[About, Target | None, Match | None]:
        about = About(verb=request.verb, path=path.id)
        if Entra.owns(path.segments):
            return replace(about, kind="entra"), None, None
        match = self._routes.find(request.verb, path.segments)
        if match is not None:
            return replace(about, kind=match.route.pattern), None, match
        target = self._service.catalog.find(path)
        if target is not None:
            name = "" if target.listing else target.child or path.segments[-1]
            return replace(about, kind=target.entry.kind, name=name), target, None
        kind = "operation" if _operation_id(path) else "unknown"
        if tags.owns(path):
            kind = tags.KIND
        return replace(about, kind=kind), None, None

    def _effect(
        self,
        request: Request,
        path: ids.Path,
        target: Target | None,
        match: Match | None,
        about: About,
    ) -> Answer:
        if Entra.owns(path.segments):
            body = (request.body or b"").decode("utf-8", "replace")
            sent = dict(parse_qsl(body)) if request.verb == "POST" else request.query
            return self._entra.serve(request.verb, path.segments, request.base, sent)
        caller, quota = NOBODY, {}
        if match is None or not match.route.public:
            caller = self._tokens.check(request.headers.get("Authorization", ""))
            quota = self._count(caller.principal, about, path)
        try:
            answer = self._served(request, path, target, match, caller)
        except ArmError as error:
            if "x-ms-failure-cause" not in error.headers:
                error.headers = {**quota, **error.headers}
            raise
        if request.verb == "GET" and (target is None or target.listing):
            body = self._faults.listed(about, str(sorted(request.query.items())), answer.body)
            answer = replace(answer, body=body)
        return replace(answer, headers={**quota, **answer.headers})

    def _served(
        self,
        request: Request,
        path: ids.Path,
        target: Target | None,
        match: Match | None,
        caller: Claims,
    ) -> Answer:
        """Do what was asked, all of it or nothing."""
        query = {n: v for n, v in request.query.items() if n != "api-version"}
        call = self._service.call(
            version=request.query.get("api-version", "").casefold(),
            principal=caller.principal,
            client=caller.client_id,
            verb=request.verb,
            base=request.base,
            query=query,
        )
        if path.subscription and path.subscription.casefold() != call.subscription:
            message = f"The subscription '{path.subscription}' could not be found."
            raise ArmError(404, "SubscriptionNotFound", message)
        answer = self._dispatch(request, call, path, target, match)
        if target is not None and request.verb in {"PUT", "PATCH"}:
            self._rights.require_joins(call, target)
        call.tx.commit()
        return answer

    def _count(self, principal: str, about: About, path: ids.Path) -> dict[str, str]:
        """Let a request through the quotas and return the headers that tell what is left."""
        if self._throttle is None:
            return unlimited(quota_of(about.verb))
        machine = ""
        if path.kind.casefold().startswith(MACHINE) and path.names:
            machine = f"{path.group}/{path.names[0]}"
        return self._throttle.take(
            caller=principal, verb=about.verb, kind=path.kind, machine=machine
        )

    def _dispatch(
        self,
        request: Request,
        call: Call,
        path: ids.Path,
        target: Target | None,
        match: Match | None,
    ) -> Answer:
        if match is not None:
            kind = path.kind or "Microsoft.Resources"
            versions.check(call.version, match.route.versions, kind)
            scene = Scene(
                call=call,
                catalog=self._service.catalog,
                cloud=self._service.settings.cloud,
                names=match.names,
                body=json_body(request),
            )
            found = match.route.answer(scene)
            if isinstance(found, Listing):
                return reads.page(self._service, call, path.id, found.records)
            return Answer(body=found)
        if target is not None:
            self._rights.require(call, action_of(target, request.verb), scope_of(target))
            locked.refuse(call, target, request.verb)
            if target.entry.kind == KIND and request.verb in {"PUT", "POST"}:
                return self._deploy(request, call, target)
            return self._on_target(request, call, target)
        if tags.owns(path):
            return self._on_tags(request, call, path)
        operation_id = _operation_id(path)
        if operation_id and request.verb == "GET":
            return operations.poll(self._service, call, operation_id, path)
        raise self._unsupported(request.verb, path)

    def _on_target(self, request: Request, call: Call, target: Target) -> Answer:
        service, kind = self._service, target.entry.type
        versions.check(call.version, kind.versions, target.entry.kind, self._location(call, target))
        match request.verb, target.listing, target.action is not None:
            case "GET", True, _:
                return reads.listing(service, call, target)
            case "GET", False, False:
                return reads.get(service, call, target)
            case "HEAD", False, False:
                return self._head(call, target)
            case "PUT", False, False:
                return writes.put(service, call, target, required_body(request), request.headers)
            case "PATCH", False, False if kind.patch and target.entry.children is None:
                return writes.patch(service, call, target, required_body(request), request.headers)
            case "DELETE", False, False:
                return deletes.delete(service, call, target, request.headers)
            case verb, _, True if target.action and verb == target.action.verb:
                return deletes.act(service, call, target, json_body(request))
            case _:
                raise self._unsupported(request.verb, target.path)

    def _deploy(self, request: Request, call: Call, target: Target) -> Answer:
        versions.check(call.version, RESOURCES, KIND)

        def allow(nested: Target) -> None:
            self._rights.require(call, action_of(nested, "PUT"), scope_of(nested))
            locked.refuse(call, nested, "PUT")

        act = deployments.put if target.action is None else deployments.validate
        return act(self._service, call, target, required_body(request), allow)

    def _on_tags(self, request: Request, call: Call, path: ids.Path) -> Answer:
        versions.check(call.version, RESOURCES, tags.KIND)
        verb = {"GET": "read", "DELETE": "delete"}.get(request.verb, "write")
        self._rights.require(call, f"{tags.KIND}/{verb}", path.scope)
        target = self._service.catalog.find(ids.parse(path.scope))
        if target is not None:
            locked.refuse(call, target, "GET" if verb == "read" else "PATCH")
        if request.verb not in {"GET", "PUT", "PATCH", "DELETE"}:
            raise tags.unsupported(request.verb)
        body = tags.serve(self._service, call, path, request.verb, json_body(request))
        return Answer(body=body)

    def _head(self, call: Call, target: Target) -> Answer:
        if target.entry.type.folded == GROUP_KIND and call.get(target.owner) is None:
            raise group_not_found(target.path.group)
        reads.get(self._service, call, target)
        return Answer(status=204)

    def _location(self, call: Call, target: Target) -> str:
        record = call.get(target.owner)
        return str(record.body().get("location", "")) if record else ""

    def _unsupported(self, verb: str, path: ids.Path) -> ArmError:
        kinds = sorted({kind.kind for kind in self._service.catalog.types})
        message = (
            f"The simulator does not serve {verb} {ascii(path.id)[1:-1][:200]}. It serves the "
            f"resource types {', '.join(kinds)} and the paths {', '.join(self._routes.patterns())}."
        )
        return ArmError(501, "NotImplemented", message)


def _operation_id(path: ids.Path) -> str:
    """Return the operation a polling URL speaks of, or nothing if the path is none."""
    if len(path.segments) < 4:
        return ""
    word = path.segments[-2].casefold()
    return path.segments[-1] if "operation" in word else ""


def _headers(request: Request, answer: Answer, request_id: str) -> dict[str, str]:
    correlation = request.headers.get("x-ms-correlation-request-id", "")
    sent = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": _clean(correlation) or request_id,
        "x-ms-routing-request-id": f"AZURESIM:{request_id}",
    }
    client = _clean(request.headers.get("x-ms-client-request-id", ""))
    if client and request.headers.get("x-ms-return-client-request-id", "").casefold() == "true":
        sent["x-ms-client-request-id"] = client
    return {**sent, **answer.headers}


def _clean(text: str) -> str:
    """Return a header's value if it is harmless to send back, else nothing."""
    return text if len(text) <= 128 and text.isascii() and text.isprintable() else ""

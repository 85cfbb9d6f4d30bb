"""From the body of POST /generate to what vLLM is asked: one request for each instance."""

from dataclasses import dataclass
from typing import Any

from serve.json_body import parse_json
from serve.prompt_form import PromptForm
from serve.request_error import RequestError
from serve.sampling_options import OPTIONS, shown, with_defaults

MOST_INSTANCES = 64


@dataclass(frozen=True)
class EngineRequest:
    """A path of vLLM's own API, and the body to post there."""

    path: str
    body: dict[str, Any]


def engine_requests(
    body: bytes, form: PromptForm, context_length: int | None = None
) -> list[EngineRequest]:
    """The requests for one body: {"prompt": ...}, {"question": ..., "context": ...}, or up to 64 of
    them in {"instances": [...]}, each with sampling options of its own.

    Raises RequestError: 400 where the body is no JSON, 422 where it isn't a request.

    Args:
        context_length: the most tokens that prompt and answer have together, where it is known.
    """
    request = parse_json(body)
    if not isinstance(request, dict) or "instances" not in request:
        return [engine_request(request, form, context_length)]
    instances = request["instances"]
    if beside := [name for name in request if name != "instances"]:
        raise RequestError(
            422, f"got {shown(beside[0])} beside instances; put it into each of the instances"
        )
    if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
        count = f"{len(instances)} of them" if isinstance(instances, list) else shown(instances)
        raise RequestError(
            422,
            f"instances must be a list of 1 to {MOST_INSTANCES} requests, got {count}; "
            "send several requests",
        )
    made = []
    for number, instance in enumerate(instances):
        try:
            made.append(engine_request(instance, form, context_length))
        except RequestError as error:
            raise RequestError(error.status, f"instances[{number}]: {error}") from None
    return made


def engine_request(request: Any, form: PromptForm, context_length: int | None) -> EngineRequest:
    if not isinstance(request, dict):
        raise RequestError(
            422, f'expected a JSON object, got {shown(request)}; send {{"prompt": "..."}}'
        )
    if "stream" in request:
        raise RequestError(
            422,
            "stream is not supported by /generate; leave it out, or ask POST /v1/completions "
            'with "stream": true',
        )
    fields = dict.fromkeys(["prompt", *form.fields])
    allowed = [*fields, *OPTIONS]
    if unknown := [name for name in request if name not in allowed]:
        raise RequestError(
            422, f"unknown field {shown(unknown[0])}; allowed: {', '.join(allowed)}{form.hint}"
        )
    for name in fields:
        if not isinstance(request.get(name, ""), str):
            raise RequestError(422, f"{name} must be a text, got {shown(request[name])}")
    options = with_defaults(request, context_length)
    return EngineRequest(form.path, {**form.asked(request), **options})

"""How a version wants to be asked, as its manifest says."""

from collections.abc import Mapping
from typing import Any

from serve.prompt_template import PromptTemplate
from serve.request_error import RequestError


class PromptForm:
    """
    What a request to /generate may hold beside "prompt", and what becomes of it.

    A version that was trained on columns completes a text: "prompt" as it is, or the manifest's
    template filled with the request's fields. One that was trained on chats answers a message:
    "prompt" is that message, and vLLM applies the chat template that comes with the tokenizer. The
    manifest's template says nothing about it, and a raw text would be asked out of its form.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        dataset = manifest.get("dataset")
        chats = isinstance(dataset, dict) and dataset.get("format") == "messages"
        self._template = PromptTemplate("" if chats else manifest["prompt"])
        placeholders = self._template.placeholders
        #: In a template with a placeholder of that name, "prompt" would mean two things: it is raw.
        self.fields = () if "prompt" in placeholders else placeholders
        self.path = "/v1/chat/completions" if chats else "/v1/completions"
        self.hint = (
            '; this model was trained on chats: put what the user says into "prompt", or the whole '
            "conversation to POST /v1/chat/completions"
            if chats
            else ""
        )

    def asked(self, request: Mapping[str, str]) -> dict[str, Any]:
        """The part of vLLM's request that holds the question.

        Raises RequestError (422) where a field is missing, empty or given in two ways.
        """
        given = {name: request[name] for name in self.fields if name in request}
        ways = " or ".join(filter(None, ['"prompt"', ", ".join(f'"{n}"' for n in self.fields)]))
        if "prompt" in request and given:
            raise RequestError(422, f"give either {ways}, not both")
        missing = [name for name in self.fields or ["prompt"] if name not in request]
        if "prompt" not in request and missing:
            raise RequestError(422, f"{' and '.join(missing)} missing; give {ways}")
        if not any(text.strip() for text in given.values() or [request["prompt"]]):
            raise RequestError(422, f"the prompt is empty; give {ways}")
        text = self._template.render(given) if given else request["prompt"]
        if self.path == "/v1/completions":
            return {"prompt": text}
        return {"messages": [{"role": "user", "content": text}]}

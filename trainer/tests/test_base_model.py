import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import torch
from tiny import environment, write_base

from finetune.data.source import Unreachable
from finetune.settings import read_settings
from finetune.training.base_model import attention, fetch_base, load_model

CPU = torch.device("cpu")


@pytest.fixture
def hub(monkeypatch):
    """A Hub on loopback that answers every request with one status and error code."""

    def start(status, code):
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("X-Error-Code", code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)

    servers = []
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def from_hub(set_environment, tmp_path):
    def fetch(**changes):
        set_environment(environment("owner/base", "/data", "/b", **changes))
        fetch_base(read_settings(), tmp_path)

    return fetch


@pytest.mark.parametrize(
    ("status", "code", "token", "message"),
    [
        (401, "GatedRepo", None, "MODEL_NAME=owner/base is gated and HF_TOKEN is not set: accept"),
        (403, "GatedRepo", "hf_x", "is gated and HF_TOKEN is set: accept its terms"),
        (404, "RevisionNotFound", None, "MODEL_NAME=owner/base has no MODEL_REVISION=v9: name a"),
        (404, "RepoNotFound", None, "is not on the Hub, or private, and HF_TOKEN is not set"),
    ],
)  # fmt: skip
def test_fails_when_the_hub_refuses_with_one_line_that_says_what_to_do(
    hub, from_hub, monkeypatch, status, code, token, message
):
    hub(status, code)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    with pytest.raises(Unreachable) as refused:
        from_hub(MODEL_REVISION="v9")
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_fails_when_the_hub_cannot_be_reached(from_hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unreachable, match="MODEL_NAME=owner/base: ") as refused:
        from_hub()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("in_bucket", [True, False])
def test_a_processors_files_and_chat_template_come_with_the_base(
    set_environment, cloud, tmp_path, in_bucket
):
    base = write_base(tmp_path / "base", "gemma3_conditional")
    (base / "chat_template.jinja").write_text("{{ messages }}")
    (base / "original").mkdir()
    (base / "original" / "consolidated.safetensors").write_bytes(b"")
    name = str(base)
    if in_bucket:
        name = "gs://models/base"
        for path in filter(lambda path: path.is_file(), base.rglob("*")):
            cloud.objects["models", f"base/{path.relative_to(base)}"] = path.read_bytes()
    set_environment(environment(name, "/data", "/b"))
    fetched = fetch_base(read_settings(), tmp_path / "scratch").path
    wanted = {"preprocessor_config.json", "processor_config.json", "chat_template.jinja"}
    assert wanted <= {path.name for path in fetched.iterdir()}
    assert not in_bucket or not (fetched / "original").exists()


def test_a_base_that_sees_images_is_loaded_whole(tmp_path):
    base = write_base(tmp_path, "gemma3_conditional")
    model = load_model(base, CPU, "fp32")
    assert type(model).__name__ == "Gemma3ForConditionalGeneration"
    assert model.dtype == torch.float32
    assert any("vision_tower" in name for name, _ in model.named_parameters())


@pytest.mark.parametrize(
    ("config", "chosen"),
    [
        ({"model_type": "llama"}, "sdpa"),
        ({"model_type": "gemma2"}, "eager"),
        ({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}, "sdpa"),
        ({"model_type": "paligemma", "text_config": {"model_type": "gemma2"}}, "eager"),
        ({"model_type": "other", "attn_logit_softcapping": 30.0}, "eager"),
    ],
)
def test_attention_scores_keep_the_cap_that_a_family_has(tmp_path, config, chosen):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert attention(tmp_path) == chosen

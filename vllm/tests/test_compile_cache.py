"""What vLLM compiled, from one start to the next, through a local Cloud Storage."""

import io
import tarfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cold_start.bucket_server import BucketServer
from serve import background, compile_cache
from serve.compile_cache import keep, used
from serve.settings import parse
from serve.version_directory import verify_directory

PREFIX = "gs://models/compile-cache"


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    with BucketServer(tmp_path / "bucket") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def begin(version_directory, monkeypatch):
    """One start: the environment, the words on it, and the background process that began."""

    def run(*arguments: str, **variables: str):
        started: list[tuple[str, ...]] = []
        monkeypatch.setattr(background, "start", lambda *call, environment: started.append(call))
        settings = parse([f"--model={version_directory}", *arguments], {})
        version = verify_directory(version_directory)
        environment, how = used(PREFIX, settings, version, "0.32.0", variables)
        return environment, how, started

    return run


@pytest.fixture
def health():
    """Something that is healthy."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/health"
    server.shutdown()
    server.server_close()


def compile_something(root: Path) -> None:
    (root / "torch_compile_cache" / "a").mkdir(parents=True)
    (root / "torch_compile_cache" / "a" / "graph").write_text("compiled")
    (root / "assets").mkdir()
    (root / "assets" / "config.json").write_text("fetched")


def test_the_first_start_keeps_what_it_compiled_and_the_next_one_finds_it(bucket, begin, health):
    environment, how, ((module, root, uri, address),) = begin()
    assert (module, address) == ("serve.compile_cache", "http://127.0.0.1:8000/health")
    assert how == f"no compile cache yet; it will be kept as {uri}"
    assert environment["VLLM_CACHE_ROOT"] == root
    compile_something(Path(root))
    assert keep(Path(root), uri, health).startswith(f"kept {uri}")

    environment, how, started = begin()
    found = Path(environment["VLLM_CACHE_ROOT"])
    assert how.startswith(f"compile cache {uri}") and started == []
    assert (found / "torch_compile_cache" / "a" / "graph").read_text() == "compiled"
    assert not (found / "assets").exists()
    assert environment["VLLM_ENABLE_STARTUP_PLAN"] == "1"


def test_what_the_image_knows_of_model_classes_stays_known(bucket, begin, tmp_path):
    (tmp_path / "image" / "modelinfos").mkdir(parents=True)
    (tmp_path / "image" / "modelinfos" / "gemma.json").write_text("{}")
    environment, _, _ = begin(VLLM_CACHE_ROOT=str(tmp_path / "image"))
    assert (Path(environment["VLLM_CACHE_ROOT"]) / "modelinfos" / "gemma.json").is_file()


def test_other_arguments_have_a_cache_of_their_own(bucket, begin):
    uris = {begin(*arguments)[2][0][2] for arguments in ([], ["--max-num-seqs=8"], [])}
    assert len(uris) == 2


def test_what_is_there_is_never_replaced(bucket, begin, health, tmp_path):
    _, _, ((_, root, uri, _),) = begin()
    compile_something(Path(root))
    keep(Path(root), uri, health)
    (Path(root) / "torch_compile_cache" / "a" / "graph").write_text("other")
    assert keep(Path(root), uri, health) == f"another instance has kept {uri}"
    assert b"other" not in next(iter((tmp_path / "bucket").rglob("*.tar"))).read_bytes()


def test_an_eager_start_keeps_nothing(bucket, tmp_path, health):
    assert keep(tmp_path, f"{PREFIX}/x.tar", health) == "vLLM compiled nothing, nothing is kept"


def test_a_start_that_never_becomes_healthy_keeps_nothing(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(compile_cache, "HEALTH_SECONDS", 0)
    compile_something(tmp_path)
    words = keep(tmp_path, f"{PREFIX}/x.tar", "http://127.0.0.1:9/health")
    assert words == "vLLM was not healthy after 0 s, nothing is kept"


@pytest.mark.parametrize("content", [b"no tar", b""])
def test_a_damaged_cache_is_left_and_vllm_compiles_anew(bucket, begin, content):
    uri = begin()[2][0][2]
    path = bucket.objects.folder / uri.removeprefix("gs://models/")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    environment, how, started = begin()
    assert how.startswith(f"no compile cache: {uri} cannot be unpacked")
    assert Path(environment["VLLM_CACHE_ROOT"]).is_dir() and started == []


def test_a_cache_cannot_write_beside_its_folder(bucket, begin, tmp_path):
    uri = begin()[2][0][2]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
    path = bucket.objects.folder / uri.removeprefix("gs://models/")
    path.parent.mkdir(parents=True)
    path.write_bytes(packed.getvalue())
    assert "cannot be unpacked" in begin()[1]
    assert not list(tmp_path.rglob("escaped"))


def test_a_bucket_that_does_not_answer_costs_the_cache_and_not_the_start(begin, monkeypatch):
    def broken(uri: str) -> bytes:
        raise OSError("no route to host")

    monkeypatch.setattr(compile_cache, "download", broken)
    assert "cannot be read (no route to host)" in begin()[1]

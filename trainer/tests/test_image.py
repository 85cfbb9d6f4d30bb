"""The image without an engine to build it: what can be read from its files."""

import re
from pathlib import Path

TRAINER = Path(__file__).parent.parent


def instructions():
    text = (TRAINER / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def locked(name):
    """Each package's lines: its version and hashes."""
    text = (TRAINER / name).read_text("utf-8")
    return set(re.split(r"\n(?=\S)", text.strip()))


def test_torch_and_cuda_are_locked_as_the_whole_is():
    torch, everything = locked("requirements-torch.txt"), locked("requirements.txt")
    assert torch < everything
    names = {package.partition("==")[0] for package in everything}
    assert {one.partition("==")[0] for one in torch} == {
        name for name in names if re.match(r"torch|triton|nvidia-", name)
    }


def test_the_versions_asked_for_are_the_locked_ones():
    asked = (TRAINER / "requirements.in").read_text("utf-8").splitlines()
    versions = {line.lower() for line in asked if line and not line.startswith("#")}
    found = {package.split(" ")[0] for package in locked("requirements.txt")}
    assert versions <= found
    assert {"torch==2.9.1", "transformers==5.19.0", "trl==1.16.0"} <= found


def test_code_comes_last_and_runs_as_a_user_that_is_not_root():
    lines = instructions()
    copies = [line for line in lines if line.startswith("COPY")]
    assert copies[-1] == "COPY finetune/ finetune/"
    assert lines.index(copies[-1]) > max(
        number for number, line in enumerate(lines) if line.startswith("RUN")
    )
    users = [line for line in lines if line.startswith("USER")]
    assert users == ["USER finetune"]
    assert lines[-1] == 'ENTRYPOINT ["python", "-m", "finetune"]'


def test_the_build_context_holds_what_the_dockerfile_copies():
    let_in = {
        line[1:].rstrip("/")
        for line in (TRAINER / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {line.split()[1].rstrip("/") for line in instructions() if line.startswith("COPY")}
    assert copied == let_in - {"Dockerfile"}
    assert all((TRAINER / name).exists() for name in copied)

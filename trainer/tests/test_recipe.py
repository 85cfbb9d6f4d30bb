import re

from finetune.recipe import DECIDING, TRAINER, undecided


def test_no_file_that_decides_results_changed_without_a_decision():
    changed = undecided()
    assert not changed, (
        f"{', '.join(changed)} changed. If results of a training change, raise `version` in "
        "recipe.json (every model is then trained again); then, or if they do not, run "
        "`python -m finetune.recipe --accept`."
    )


def test_the_files_that_decide_results_exist():
    assert all((TRAINER / name).is_file() for name in DECIDING)


def test_the_image_is_made_from_pinned_and_hashed_packages_of_no_particular_index():
    lines = (TRAINER / "requirements.txt").read_text("utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#", "-"))]
    assert packages and all(re.match(r"^[a-z0-9.-]+==[^ ]+ .*\\$", line) for line in packages)
    assert not [line for line in lines if "://" in line or line.startswith("-")]

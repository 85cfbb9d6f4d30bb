"""The untrained model is asked fairly."""

import sample_data
from untrained_answers import three_examples


def test_its_three_examples_are_training_rows_of_three_kinds() -> None:
    rows = sample_data.training_rows(0)
    examples = three_examples(rows)
    assert all(example in rows for example in examples)
    assert "COUNT(*)" in examples[0]["answer"]
    assert "GROUP BY" in examples[1]["answer"]
    assert "ORDER BY" in examples[2]["answer"]

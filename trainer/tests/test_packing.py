import random
import time

import pytest
import torch

from finetune.data.encoding import IGNORED, Encoded
from finetune.training.packing import batches, graded, order, pack


def document(length, first=10):
    ids = list(range(first, first + length))
    return Encoded(ids, [IGNORED, *ids[1:]])


def lengths(row):
    return [len(document.input_ids) for document in row]


def test_a_document_goes_into_the_fullest_row_that_has_room():
    packed = pack([document(length) for length in (2, 5, 3, 7, 6, 1)], 10)
    assert [lengths(row) for row in packed] == [[7, 3], [6, 2, 1], [5]] or [
        lengths(row) for row in packed
    ] == [[7, 3], [6], [5, 2, 1]]


def test_every_document_is_packed_once_and_no_row_is_too_long():
    generator = random.Random(0)
    documents = [document(generator.randint(1, 512), number) for number in range(500)]
    packed = pack(documents, 512)
    assert sorted((d.input_ids for row in packed for d in row), key=str) == sorted(
        (d.input_ids for d in documents), key=str
    )
    used = [sum(lengths(row)) for row in packed]
    assert max(used) <= 512
    assert sum(used) / (512 * len(packed)) > 0.98


def test_thousands_of_documents_are_packed_in_no_time():
    generator = random.Random(0)
    documents = [document(generator.randint(20, 200)) for _ in range(20_000)]
    started = time.perf_counter()
    pack(documents, 512)
    assert time.perf_counter() - started < 2


def test_fails_when_a_document_is_longer_than_a_row():
    with pytest.raises(ValueError, match="a document of 11 tokens does not fit a row of 10"):
        pack([document(11)], 10)


def test_position_ids_restart_at_each_document_and_padding_is_no_part_of_any():
    (batch,) = batches([document(5, 10), document(3, 20)], 16, 2, 0, True)
    assert batch.input_ids.tolist() == [[10, 11, 12, 13, 14, 20, 21, 22] + [0] * 8, [0] * 16]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2] + [0] * 8, [0] * 16]
    assert batch.labels[0, :9].tolist() == [-100, 11, 12, 13, 14, -100, 21, 22, -100]
    assert (batch.tokens, batch.graded) == (8, 6) and (batch.labels[1] == IGNORED).all()


def test_a_documents_first_token_is_not_graded_even_where_its_label_is_set():
    (batch,) = batches([Encoded([5, 6], [5, 6]), Encoded([7, 8], [7, 8])], 8, 1, 0, True)
    assert batch.labels.tolist() == [[-100, 6, -100, 8] + [-100] * 4]
    assert batch.graded == graded([Encoded([5, 6], [5, 6]), Encoded([7, 8], [7, 8])]) == 2


def test_a_full_rows_last_token_that_predicts_nothing_keeps_the_mask_from_being_dropped():
    (batch,) = batches([document(8), document(8)], 8, 2, 0, True)
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 5, 6, 0]] * 2


def test_on_a_gpu_all_micro_batches_of_a_step_have_one_shape():
    made = list(batches([document(10) for _ in range(5)], 16, 2, 0, True))
    assert [tuple(batch.input_ids.shape) for batch in made] == [(2, 16)] * 3
    assert [batch.tokens for batch in made] == [20, 20, 10]


def test_on_a_cpu_micro_batches_are_cut_to_what_the_step_needs():
    made = list(batches([document(9) for _ in range(3)], 512, 2, 0, False))
    assert [tuple(batch.input_ids.shape) for batch in made] == [(1, 32)]
    assert not list(batches([], 512, 2, 0, False))


def test_an_epochs_order_depends_on_seed_and_epoch_and_on_nothing_else():
    first = order(100, 42, 0)
    torch.manual_seed(3)
    random.seed(3)
    order.cache_clear()
    assert order(100, 42, 0) == first and sorted(first) == list(range(100))
    assert len({first, order(100, 42, 1), order(100, 43, 0)}) == 3
    assert order(5, 42, 0) == (4, 2, 1, 0, 3)

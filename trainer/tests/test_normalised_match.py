# ruff: noqa: E501
import pytest

from finetune.evaluation.normalised_match import normalised, parse

SCHEMA = {
    "head": frozenset({"head_id", "name", "age", "city", "rank"}),
    "management": frozenset({"department", "head_ref", "budget", "rank"}),
}
JOIN = "SELECT T1.name FROM head AS T1 JOIN management AS T2 ON T1.head_id = T2.head_ref"
OF_THE_SAME_CITY = (
    "SELECT name FROM head AS a WHERE age = (SELECT MAX(age) FROM head AS b WHERE {})"
)

SAME = [
    ("SELECT COUNT(*) FROM head WHERE age > 56", "select count(*) from head where 56 < AGE;"),
    ('SELECT name FROM head WHERE city = "Rome" AND age > 5', "SELECT T1.name FROM head T1 WHERE (T1.age > 5) AND 'Rome' = T1.city"),
    ('SELECT "name" FROM "head"', "SELECT name FROM head"),
    ("SELECT `name` FROM [head]", "SELECT Name FROM HEAD"),
    (JOIN, "SELECT name FROM head INNER JOIN management b ON b.head_ref = head.head_id"),
    (JOIN.replace("T1", "x").replace("T2", "T1"), JOIN),
    ("SELECT city, COUNT(*) AS n FROM head GROUP BY city ORDER BY n DESC", "SELECT city, COUNT(*) FROM head GROUP BY city ORDER BY COUNT(*) DESC"),
    ("SELECT a.name FROM head a JOIN head b ON a.age = b.age", "SELECT x.name FROM head x JOIN head y ON y.age = x.age"),
    ("SELECT name FROM head WHERE city IN ('a', 'b')", 'SELECT name FROM head WHERE city IN ("b", "a")'),
    ("SELECT name FROM head WHERE age = 1 OR age = 2 OR city = 3", "SELECT name FROM head WHERE city = 3 OR (age = 2 OR age = 1)"),
    ("SELECT name FROM head WHERE age <> 3", "SELECT name FROM head WHERE age != 3"),
    ("SELECT name FROM head ORDER BY age", "SELECT name FROM head ORDER BY age ASC"),
    ("SELECT c FROM (SELECT COUNT(*) AS c FROM head) AS x", "SELECT y.c FROM (SELECT COUNT(*) AS c FROM head) y"),
    ("SELECT name FROM head EXCEPT SELECT department FROM management", "SELECT T1.name FROM head T1 EXCEPT SELECT department FROM management"),
    ("SELECT name FROM head WHERE head_id NOT IN (SELECT head_ref FROM management)", "SELECT name FROM head WHERE NOT head_id IN (SELECT m.head_ref FROM management AS m)"),
    (OF_THE_SAME_CITY.format("b.city = a.city"), OF_THE_SAME_CITY.replace("AS b", "AS x").format("a.city = x.city")),
    ("SELECT name FROM head JOIN management ON head.rank = management.rank", "SELECT name FROM head a JOIN management b ON b.rank = a.rank"),
]  # fmt: skip

DIFFERENT = [
    ("SELECT name FROM head WHERE age = 1 OR age = 2 AND rank = 3", "SELECT name FROM head WHERE (age = 1 OR age = 2) AND rank = 3"),
    ("SELECT age - rank - head_id FROM head", "SELECT age - (rank - head_id) FROM head"),
    ("SELECT (age + 1) * 2 FROM head", "SELECT age + 1 * 2 FROM head"),
    ("SELECT name FROM head WHERE NOT (age = 1 AND rank = 2)", "SELECT name FROM head WHERE NOT age = 1 AND rank = 2"),
    ("SELECT name FROM head WHERE city = 'Rome'", "SELECT name FROM head WHERE city = 'rome'"),
    ('SELECT name FROM head WHERE name = "city"', "SELECT name FROM head WHERE name = 'city'"),
    ("SELECT name FROM head WHERE age > 5", "SELECT name FROM head WHERE age >= 5"),
    ("SELECT name FROM head WHERE age > 5", "SELECT name FROM head WHERE age < 5"),
    ("SELECT name, age FROM head", "SELECT age, name FROM head"),
    ("SELECT name FROM head ORDER BY age", "SELECT name FROM head ORDER BY age DESC"),
    ("SELECT DISTINCT name FROM head", "SELECT name FROM head"),
    (JOIN, JOIN.replace("JOIN", "LEFT JOIN")),
    (JOIN, JOIN.replace("T1.head_id", "T1.age")),
    ("SELECT head.rank FROM head JOIN management ON head_id = head_ref", "SELECT management.rank FROM head JOIN management ON head_id = head_ref"),
    ("SELECT a.name FROM head a JOIN head b ON a.age = b.age", "SELECT b.name FROM head a JOIN head b ON a.age = b.age"),
    ("SELECT name FROM head UNION SELECT city FROM head", "SELECT name FROM head UNION ALL SELECT city FROM head"),
    ("SELECT name FROM head EXCEPT SELECT city FROM head", "SELECT city FROM head EXCEPT SELECT name FROM head"),
    (OF_THE_SAME_CITY.format("b.city = a.city"), OF_THE_SAME_CITY.format("b.city = b.city")),
    ("SELECT name FROM head LIMIT 3", "SELECT name FROM head LIMIT 4"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SAME)
def test_the_same_query_written_in_another_way_is_the_same(left, right):
    assert normalised(left, SCHEMA) == normalised(right, SCHEMA) is not None


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_another_query_is_not(left, right):
    assert normalised(left, SCHEMA) != normalised(right, SCHEMA)
    assert parse(left) is not None and parse(right) is not None


@pytest.mark.parametrize(
    "text",
    ["", "the name of the head", "DELETE FROM head", "SELECT 1; SELECT 2", "SELECT name FROM",
     pytest.param("(" * 3000, id="parentheses"), "\x00", "SELECT 'open",
     pytest.param("SELECT " + "1 + " * 5000 + "1", id="a long sum")],
)  # fmt: skip
def test_fails_when_it_is_not_one_query(text):
    assert normalised(text, SCHEMA) is None

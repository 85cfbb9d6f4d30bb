import pytest

from finetune.evaluation import made_up_database
from finetune.evaluation.execution_match import execution_match

CONTEXT = """CREATE TABLE head (head_id INTEGER PRIMARY KEY, name VARCHAR, city VARCHAR, age INTEGER);
CREATE TABLE management (department VARCHAR, head_ref INTEGER, budget REAL)"""

JOIN = "SELECT T1.name FROM head AS T1 JOIN management AS T2 ON T1.head_id = T2.head_ref"

SAME = [
    ("SELECT COUNT(*) FROM head WHERE age > 56", "select count(*) from head where 56 < age"),
    ("SELECT name FROM head WHERE age > 5 AND city = 'X'", "SELECT name FROM head WHERE city = 'X' AND age > 5;"),
    ('SELECT name FROM head WHERE city = "Rome"', "SELECT name FROM head WHERE city = 'Rome'"),
    ("SELECT age FROM head WHERE age >= 5", "SELECT head.age FROM head WHERE NOT age < 5"),
    (f"{JOIN} WHERE T2.budget > 10", "SELECT name FROM management, head WHERE head_id = head_ref AND budget > 10"),
    ("SELECT name FROM head WHERE age BETWEEN 3 AND 8", "SELECT name FROM head WHERE age >= 3 AND age <= 8"),
]  # fmt: skip

OPEN = [
    # What SQL leaves open: which of equal rows comes first, which of them LIMIT keeps, whose name
    # a group shows.
    ("SELECT name FROM head ORDER BY age", "SELECT name FROM head ORDER BY age, name"),
    ("SELECT name FROM head ORDER BY age LIMIT 2", "SELECT name FROM head ORDER BY age, city LIMIT 2"),
    ("SELECT name FROM head LIMIT 3", "SELECT name FROM head ORDER BY age LIMIT 3"),
    (f"{JOIN} GROUP BY T1.head_id".replace("T1.name", "T1.name, COUNT(*)"),
     "SELECT name, COUNT(*) FROM management JOIN head ON head_id = head_ref GROUP BY head_ref"),
    (f"{JOIN} GROUP BY T1.head_id ORDER BY COUNT(*) DESC LIMIT 1",
     "SELECT name FROM management JOIN head ON head_ref = head_id GROUP BY head_id ORDER BY COUNT(*) DESC LIMIT 1"),
]  # fmt: skip

WRONG = [
    ("SELECT name FROM head WHERE city = 'a  b'", "SELECT name FROM head WHERE city = 'a b'"),
    ("SELECT name FROM head LIMIT 3", "SELECT city FROM head LIMIT 3"),
    ("SELECT name FROM head ORDER BY age LIMIT 2", "SELECT name FROM head LIMIT 2"),
    ("SELECT name FROM head ORDER BY age, name", "SELECT name FROM head ORDER BY age"),
    (f"{JOIN} GROUP BY T1.head_id", f"{JOIN} GROUP BY T1.name"),
    # operators
    ("SELECT name FROM head WHERE age < 56", "SELECT name FROM head WHERE age <= 56"),
    ("SELECT name FROM head WHERE age <= 56", "SELECT name FROM head WHERE age < 56"),
    ("SELECT name FROM head WHERE age > 56", "SELECT name FROM head WHERE age >= 56"),
    ("SELECT name FROM head WHERE age >= 56", "SELECT name FROM head WHERE age > 56"),
    ("SELECT name FROM head WHERE age = 56", "SELECT name FROM head WHERE age <> 56"),
    ("SELECT COUNT(*) FROM head WHERE age > 56", "SELECT COUNT(*) FROM head WHERE age >= 56"),
    ("SELECT name FROM head WHERE age BETWEEN 3 AND 8", "SELECT name FROM head WHERE age > 3 AND age < 8"),
    ("SELECT name FROM head WHERE age > 5 AND city = 'X'", "SELECT name FROM head WHERE age > 5 OR city = 'X'"),
    ("SELECT name FROM head WHERE city LIKE '%Ro%'", "SELECT name FROM head WHERE city LIKE 'Ro%'"),
    ("SELECT name FROM head WHERE city LIKE '%Ro%'", "SELECT name FROM head WHERE city = 'Ro'"),
    # literals
    ("SELECT name FROM head WHERE age > 56", "SELECT name FROM head WHERE age > 57"),
    ("SELECT name FROM head WHERE age > 56", "SELECT name FROM head WHERE age > 55"),
    ("SELECT name FROM head WHERE city = 'Rome'", "SELECT name FROM head WHERE city = 'rome'"),
    ("SELECT name FROM head WHERE city = 'Rome'", "SELECT name FROM head WHERE city = 'Paris'"),
    ("SELECT name FROM head WHERE city = 'Rome'", "SELECT name FROM head WHERE city = 'Rome' OR city = 'Oslo'"),
    ("SELECT name FROM head LIMIT 3", "SELECT name FROM head LIMIT 4"),
    # columns and conditions
    ("SELECT name FROM head WHERE age > 56", "SELECT city FROM head WHERE age > 56"),
    ("SELECT name FROM head WHERE age > 56", "SELECT name, city FROM head WHERE age > 56"),
    ("SELECT name, city FROM head", "SELECT city, name FROM head"),
    ("SELECT name FROM head WHERE city = 'Rome'", "SELECT name FROM head WHERE name = 'Rome'"),
    ("SELECT name FROM head WHERE age > 5 AND city = 'X'", "SELECT name FROM head WHERE age > 5"),
    ("SELECT name FROM head WHERE city IS NULL", "SELECT name FROM head"),
    # aggregates
    ("SELECT MAX(age) FROM head", "SELECT MIN(age) FROM head"),
    ("SELECT AVG(age) FROM head", "SELECT SUM(age) FROM head"),
    ("SELECT COUNT(*) FROM head", "SELECT COUNT(city) FROM head"),
    ("SELECT COUNT(DISTINCT city) FROM head", "SELECT COUNT(city) FROM head"),
    ("SELECT city, COUNT(*) FROM head GROUP BY city HAVING COUNT(*) > 3",
     "SELECT city, COUNT(*) FROM head GROUP BY city HAVING COUNT(*) >= 3"),
    ("SELECT city FROM head GROUP BY city HAVING COUNT(*) >= 5", "SELECT city FROM head GROUP BY city HAVING COUNT(*) > 5"),
    # DISTINCT, order and joins
    ("SELECT DISTINCT city FROM head", "SELECT city FROM head"),
    ("SELECT city FROM head WHERE age > 56", "SELECT DISTINCT city FROM head WHERE age > 56"),
    ("SELECT name FROM head ORDER BY age", "SELECT name FROM head ORDER BY age DESC"),
    ("SELECT name FROM head ORDER BY age DESC LIMIT 1", "SELECT name FROM head ORDER BY city DESC LIMIT 1"),
    (JOIN, "SELECT name FROM head"),
    (JOIN, JOIN.replace("JOIN", "LEFT JOIN")),
    (JOIN, "SELECT name FROM head, management"),
    (f"{JOIN} WHERE T2.department = 'Tax'", f"{JOIN} WHERE T1.city = 'Tax'"),
    # no query at all
    ("SELECT name FROM head", ""),
    ("SELECT name FROM head", "SELECT name FROM heads"),
    ("SELECT name FROM head", "the names of all heads"),
    ("SELECT name FROM head", "DELETE FROM head"),
    ("SELECT name FROM head", "SELECT name FROM head; SELECT 1"),
    ("SELECT name FROM head", "\x00"),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "answer"), SAME + OPEN)
def test_another_text_with_the_same_meaning_matches(expected, answer):
    assert execution_match(CONTEXT, expected, answer) is True


@pytest.mark.parametrize(("expected", "answer"), WRONG)
def test_a_query_with_another_meaning_does_not_match(expected, answer):
    assert execution_match(CONTEXT, expected, answer) is False


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (CONTEXT, "SELECT nothing FROM nowhere"),
        (CONTEXT, "SELECT name FROM head WHERE age > 5 AND age < 5"),
        (CONTEXT, "SELECT COUNT(*) FROM head WHERE age > 5 AND age < 5"),
        ("no table at all", "SELECT 1"),
        ("CREATE TABLE broken (", "SELECT 1"),
        ("ATTACH 'x.db' AS x", "SELECT 1"),
    ],
)
def test_nothing_is_said_where_the_expected_query_cannot_tell(context, expected):
    assert execution_match(context, expected, expected) is None


@pytest.mark.parametrize(
    ("expected", "answer", "same"),
    [
        # WikiSQL's columns are VARCHAR unless they are compared or added up.
        ('SELECT a FROM t WHERE y > 1992 AND p = "1.59%"', "SELECT a FROM t WHERE p = '1.59%' AND y > '1992'", True),
        ('SELECT a FROM t WHERE y > 1992 AND p = "1.59%"', 'SELECT a FROM t WHERE y > 1993 AND p = "1.59%"', False),
        ("SELECT AVG(n) FROM t WHERE a = \"x\" AND n > 5", "SELECT AVG(n) FROM t WHERE n > 5 AND a = 'x'", True),
        ("SELECT AVG(n) FROM t WHERE a = \"x\" AND n > 5", "SELECT AVG(n) FROM t WHERE a = 'x'", False),
        ("SELECT a FROM t INTERSECT SELECT p FROM t", "SELECT p FROM t INTERSECT SELECT a FROM t", True),
        ("SELECT a FROM t EXCEPT SELECT p FROM t", "SELECT p FROM t EXCEPT SELECT a FROM t", False),
        ("SELECT a FROM t UNION SELECT p FROM t", "SELECT a FROM t UNION ALL SELECT p FROM t", False),
        ("SELECT COUNT(*) FROM t", "SELECT COUNT(1) FROM t", True),
    ],
)  # fmt: skip
def test_the_style_of_the_data_set_is_understood(expected, answer, same):
    context = "CREATE TABLE t (a VARCHAR, y VARCHAR, p VARCHAR, n INTEGER)"
    assert execution_match(context, expected, answer) is same


def test_whether_anything_can_be_said_does_not_hang_on_the_answer():
    for answer in ("", "SELECT 1", "SELECT name FROM head WHERE age = 7", "\x00"):
        assert execution_match(CONTEXT, "SELECT name FROM head WHERE age > age", answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        'DELETE FROM "head"', 'INSERT INTO head SELECT * FROM head', "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON", "CREATE TABLE x (a)", "DROP TABLE head", "COMMIT", "VACUUM",
        "SELECT load_extension('x')", "SELECT name FROM head WHERE random() > 0",
        "WITH gone AS (SELECT 1) DELETE FROM head", "BEGIN", "SELECT zeroblob(1000000000)",
        "SELECT printf('%1000000000d', 1)", "EXPLAIN SELECT name FROM head",
    ],
)  # fmt: skip
def test_an_answer_can_only_read(answer):
    assert execution_match(CONTEXT, "SELECT name FROM head", answer) is False


def test_an_answer_cannot_run_for_ever(monkeypatch):
    assert made_up_database.SECONDS <= 2  # which this test need not wait for
    monkeypatch.setattr(made_up_database, "SECONDS", 0.2)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    )
    assert execution_match(CONTEXT, "SELECT name FROM head", endless) is False


def test_an_answer_cannot_reach_the_machine(tmp_path):
    target = tmp_path / "written.db"
    answer = f"ATTACH DATABASE '{target}' AS other"
    assert execution_match(CONTEXT, "SELECT name FROM head", answer) is False
    assert not target.exists()

# ruff: noqa: E501
"""Queries in the style of sql-create-context, of some seventy shapes, with values drawn at random."""

import random
import re

SPIDER = {
    "singer": "CREATE TABLE singer (singer_id VARCHAR, name VARCHAR, country VARCHAR, age INTEGER, net_worth INTEGER)",
    "concert": "CREATE TABLE concert (concert_id VARCHAR, singer_id VARCHAR, stadium_id VARCHAR, title VARCHAR, year VARCHAR, tickets INTEGER)",
    "stadium": "CREATE TABLE stadium (stadium_id VARCHAR, city VARCHAR, capacity INTEGER, opened VARCHAR)",
}
WIKI = "CREATE TABLE table_name_{n} (team VARCHAR, opponent VARCHAR, score VARCHAR, week INTEGER, attendance INTEGER, year VARCHAR, rank INTEGER)"

# {s} and {s2}: texts; {n}: a number; {m}: a larger one; {k}: a small count; {p}: part of a text;
# {t}: a generic table; {y}: a year.
SHAPES = """
SELECT COUNT(*) FROM singer WHERE age > {n}
SELECT COUNT(*) FROM singer
SELECT name, country, age FROM singer ORDER BY age DESC
SELECT name FROM singer ORDER BY net_worth
SELECT AVG(age), MIN(age), MAX(age) FROM singer WHERE country = '{s}'
SELECT DISTINCT country FROM singer WHERE age > {n}
SELECT country, COUNT(*) FROM singer GROUP BY country
SELECT name FROM singer WHERE age > (SELECT AVG(age) FROM singer)
SELECT name FROM singer WHERE age = (SELECT MAX(age) FROM singer)
SELECT name FROM singer WHERE net_worth >= {n} AND net_worth <= {m}
SELECT name FROM singer WHERE age BETWEEN {n} AND {m}
SELECT name FROM singer WHERE country = '{s}' OR country = '{s2}'
SELECT name FROM singer WHERE country <> '{s}'
SELECT name FROM singer WHERE name LIKE '%{p}%'
SELECT name FROM singer WHERE name LIKE '{p}%' AND age < {n}
SELECT name FROM singer ORDER BY age DESC LIMIT {k}
SELECT name FROM singer WHERE country = '{s}' ORDER BY net_worth LIMIT 1
SELECT country FROM singer GROUP BY country HAVING COUNT(*) > {k}
SELECT country FROM singer GROUP BY country HAVING COUNT(*) = {k}
SELECT country, AVG(age) FROM singer GROUP BY country HAVING AVG(age) > {n}
SELECT country, SUM(net_worth) FROM singer WHERE age < {n} GROUP BY country
SELECT country FROM singer GROUP BY country ORDER BY COUNT(*) DESC LIMIT 1
SELECT COUNT(DISTINCT country) FROM singer WHERE net_worth > {n}
SELECT name FROM singer WHERE NOT singer_id IN (SELECT singer_id FROM concert)
SELECT name FROM singer WHERE singer_id IN (SELECT singer_id FROM concert WHERE year = '{y}')
SELECT country FROM singer WHERE age > {n} INTERSECT SELECT country FROM singer WHERE age < {n2}
SELECT country FROM singer WHERE age > {n} UNION SELECT city FROM stadium WHERE capacity < {m}
SELECT country FROM singer EXCEPT SELECT country FROM singer WHERE net_worth > {n}
SELECT T1.name FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id
SELECT T2.name, T1.title FROM concert AS T1 JOIN singer AS T2 ON T1.singer_id = T2.singer_id WHERE T1.year = '{y}'
SELECT T1.name, COUNT(*) FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id GROUP BY T1.name
SELECT T1.name FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id GROUP BY T1.singer_id HAVING COUNT(*) >= {k}
SELECT T1.name FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id GROUP BY T1.name HAVING COUNT(*) > {k}
SELECT T1.name FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T2.tickets > {n} ORDER BY T1.age DESC LIMIT 1
SELECT T2.city, COUNT(*) FROM concert AS T1 JOIN stadium AS T2 ON T1.stadium_id = T2.stadium_id WHERE T1.year >= {y} GROUP BY T2.city
SELECT T3.city FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id JOIN stadium AS T3 ON T2.stadium_id = T3.stadium_id WHERE T1.name = "{s}"
SELECT DISTINCT T1.country FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T2.tickets BETWEEN {n} AND {m}
SELECT T1.name FROM singer AS T1 LEFT JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T1.age > {n}
SELECT T1.title FROM concert AS T1 JOIN stadium AS T2 ON T1.stadium_id = T2.stadium_id WHERE T2.capacity > (SELECT AVG(capacity) FROM stadium)
SELECT AVG(T2.tickets) FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T1.country = '{s}' AND T2.year = '{y}'
SELECT T1.country FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T2.year = '{y}' INTERSECT SELECT T1.country FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T2.year = '{y2}'
SELECT name FROM singer WHERE country = '{s}' AND age > {n} AND net_worth < {m}
SELECT MAX(capacity) - MIN(capacity) FROM stadium
SELECT city FROM stadium WHERE capacity > {n} GROUP BY city HAVING COUNT(*) >= {k}
SELECT SUM(tickets) FROM concert WHERE year = {y} OR year = {y2}
SELECT title, tickets FROM concert WHERE tickets = (SELECT MIN(tickets) FROM concert)
SELECT title FROM concert WHERE tickets > (SELECT MAX(age) FROM singer)
SELECT COUNT(*) FROM concert WHERE stadium_id = (SELECT stadium_id FROM stadium ORDER BY capacity DESC LIMIT 1)
SELECT year, COUNT(*) FROM concert GROUP BY year ORDER BY COUNT(*) DESC
SELECT year FROM concert GROUP BY year ORDER BY SUM(tickets) LIMIT 1
SELECT city FROM stadium WHERE stadium_id NOT IN (SELECT stadium_id FROM concert WHERE year = '{y}')
SELECT name FROM singer WHERE singer_id IN (SELECT singer_id FROM concert WHERE stadium_id IN (SELECT stadium_id FROM stadium WHERE city = "{s}"))
SELECT COUNT(*) FROM (SELECT DISTINCT stadium_id FROM concert WHERE tickets > {n})
SELECT name FROM singer WHERE age IN ({n}, {n2}, {m})
SELECT name FROM singer WHERE country IS NULL AND age >= {n}
SELECT name FROM singer WHERE NOT country IS NULL
SELECT opened FROM stadium WHERE opened > '{d}'
SELECT score FROM {t} WHERE team = "{s}"
SELECT opponent FROM {t} WHERE team = "{s}" AND week = {k}
SELECT SUM(attendance) FROM {t} WHERE week > {n} AND opponent = "{s}" AND year = "{y}"
SELECT AVG(rank) FROM {t} WHERE attendance > {m} AND year < {y} AND team = "{s}"
SELECT MIN(week) FROM {t} WHERE score = "{s}" AND attendance < {m}
SELECT MAX(rank) FROM {t} WHERE team = "{s}"
SELECT COUNT(rank) FROM {t} WHERE attendance = {m} AND week < {n}
SELECT COUNT(opponent) FROM {t} WHERE year = {y}
SELECT year FROM {t} WHERE week = {k} AND attendance = {m}
SELECT week FROM {t} WHERE opponent = "{s}" AND team = "{s2}"
SELECT team, opponent FROM {t} WHERE year > {y} AND score = "{s}"
SELECT attendance FROM {t} WHERE rank < {n} AND NOT team = "{s}"
SELECT team FROM {t} WHERE attendance > {m} ORDER BY rank
SELECT team FROM {t} GROUP BY team HAVING SUM(attendance) > {m}
SELECT week FROM {t} WHERE attendance = (SELECT MAX(attendance) FROM {t})
SELECT T1.name, T2.name FROM singer AS T1 JOIN singer AS T2 ON T1.country = T2.country WHERE T1.age > T2.age
SELECT name FROM singer AS a WHERE age = (SELECT MAX(age) FROM singer AS b WHERE b.country = a.country)
SELECT name FROM singer WHERE EXISTS (SELECT * FROM concert WHERE concert.singer_id = singer.singer_id AND tickets > {n})
SELECT T1.name FROM singer AS T1 LEFT JOIN concert AS T2 ON T1.singer_id = T2.singer_id WHERE T2.concert_id IS NULL
SELECT T1.name, SUM(T2.tickets) FROM singer AS T1 JOIN concert AS T2 ON T1.singer_id = T2.singer_id GROUP BY T1.singer_id, T1.name ORDER BY SUM(T2.tickets) DESC LIMIT {k}
SELECT country, age FROM singer GROUP BY country, age HAVING COUNT(*) > 1
SELECT name FROM singer ORDER BY age DESC, name
SELECT name FROM singer ORDER BY net_worth LIMIT {k} OFFSET 1
SELECT name FROM singer WHERE age * 2 > net_worth
SELECT name FROM singer WHERE net_worth - age >= {n}
SELECT name FROM singer WHERE name LIKE '_{p}%'
SELECT COUNT(*) FROM singer WHERE NOT name LIKE '%{p}'
SELECT title FROM concert WHERE tickets > {n}.5
SELECT country FROM singer GROUP BY country HAVING COUNT(DISTINCT age) >= {k}
SELECT country FROM singer WHERE age >= {n} GROUP BY country HAVING MAX(net_worth) < {m}
SELECT T1.city FROM stadium AS T1 JOIN concert AS T2 ON T1.stadium_id = T2.stadium_id JOIN singer AS T3 ON T2.singer_id = T3.singer_id WHERE T3.country = "{s}" AND T2.year > {y} GROUP BY T1.city ORDER BY COUNT(*) DESC LIMIT 1
SELECT COUNT(*) FROM concert AS T1 JOIN stadium AS T2 ON T1.stadium_id = T2.stadium_id WHERE T2.city = "{s}" AND (T1.year = {y} OR T1.year = {y2})
SELECT city FROM stadium EXCEPT SELECT T2.city FROM concert AS T1 JOIN stadium AS T2 ON T1.stadium_id = T2.stadium_id WHERE T1.year = {y}
SELECT name FROM singer WHERE country = '{s}' UNION SELECT name FROM singer WHERE age > {n}
SELECT AVG(c) FROM (SELECT COUNT(*) AS c FROM concert GROUP BY singer_id)
WITH busy AS (SELECT singer_id FROM concert GROUP BY singer_id HAVING COUNT(*) > {k}) SELECT name FROM singer JOIN busy ON singer.singer_id = busy.singer_id
SELECT name FROM singer WHERE singer_id NOT IN (SELECT singer_id FROM concert WHERE tickets < {n} OR year = '{y}')
SELECT name, CASE WHEN age > {n} THEN 'old' ELSE 'young' END FROM singer
SELECT city, capacity FROM stadium WHERE capacity >= {n} AND NOT city = "{s}" ORDER BY capacity
SELECT COUNT(*), MAX(tickets) FROM concert WHERE title LIKE "%{p}%" AND year BETWEEN {y} AND {y2}
SELECT week - rank FROM {t} WHERE team = "{s}"
SELECT SUM(rank) FROM {t} WHERE attendance = "{m}" AND week = "{k}"
SELECT year FROM {t} WHERE team = "{s}" AND opponent = "{s2}" AND score <> "0-0" AND week > {k}
""".strip().splitlines()

WORDS = ["Aruba", "new york", "Léon", "1.59%", "l. young", "Utah", "5-2", "don't know", "BBC 2"]


def gold_queries(seed: int, rounds: int = 1) -> list[tuple[str, str]]:
    """`(context, query)` for each shape, `rounds` times with other values."""
    rng = random.Random(seed)
    found = []
    for _ in range(rounds):
        for shape in SHAPES:
            texts = rng.sample(WORDS[:4] + WORDS[5:7] if "'{s" in shape else WORDS, 2)
            table = f"table_name_{rng.randrange(100)}"
            number = rng.choice((rng.randint(2, 60), rng.randint(100, 3000)))
            values = {
                "s": texts[0],
                "s2": texts[1],
                "n": number,
                "n2": number + rng.randint(2, 30),
                "m": number + rng.randint(5, 500),
                "k": rng.randint(2, 6),
                "p": rng.choice(["an", "M", "ity", "U_a"]),
                "y": (year := rng.randint(1950, 2019)),
                "y2": year + rng.randint(1, 9),
                "d": f"{rng.randint(1980, 2010)}-0{rng.randint(1, 9)}-{rng.randint(10, 28)}",
                "t": table,
            }
            query = shape.format(**values)
            names = [name for name in SPIDER if re.search(rf"\b(FROM|JOIN) {name}\b", query)]
            context = "; ".join(SPIDER[name] for name in names) or WIKI.replace(
                "table_name_{n}", table
            )
            found.append((context, query))
    return found

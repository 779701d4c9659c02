"""Writes the dump that anonymize is measured on: mysqldump's format, five columns to mark, which hold 62 % of it."""

from __future__ import annotations

import random
from pathlib import Path

ROWS = 3_100_000
MARKED = {"accounts": ("email", "name", "address"), "messages": ("author", "body")}
_ROWS_IN_A_STATEMENT = 2_500
_SEED = 20_261_121
_WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "it",
    "you",
    "that",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "be",
    "at",
    "one",
    "have",
    "this",
    "from",
    "or",
    "had",
    "by",
    "word",
    "but",
    "what",
    "some",
    "we",
    "can",
    "out",
    "other",
    "were",
    "all",
    "there",
    "when",
    "up",
    "use",
    "your",
    "how",
    "said",
    "an",
    "each",
    "she",
    "which",
    "do",
    "their",
    "time",
    "if",
    "will",
    "way",
    "about",
    "Paris",
    "Ada",
    "invoice",
    "2024",
    "42",
    "meeting",
    "Monday",
    "server",
    "refused",
    "address",
    "street",
    "green",
    "table",
    "please",
    "thanks",
    "regards",
]
_GIVEN = ("Ada", "Bo", "Chen", "Dana", "Eli", "Fatima", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lena", "Mara", "Niko")
_FAMILY = ("Abe", "Berg", "Costa", "Diaz", "Eriksen", "Fischer", "Gupta", "Haas", "Ito", "Jansen", "Kaya", "Novak")
_HEAD = """-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)
--
-- Host: localhost    Database: bench
-- ------------------------------------------------------
/*!40101 SET NAMES utf8mb4 */;
"""
_ACCOUNTS = """DROP TABLE IF EXISTS `accounts`;
CREATE TABLE `accounts` (
  `id` int NOT NULL AUTO_INCREMENT,
  `email` varchar(190) NOT NULL,
  `name` varchar(100) DEFAULT NULL,
  `address` varchar(400) DEFAULT NULL,
  `created` datetime NOT NULL,
  `status` varchar(20) NOT NULL,
  `balance` decimal(12,2) NOT NULL,
  `settings` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
LOCK TABLES `accounts` WRITE;
"""
_MESSAGES = """DROP TABLE IF EXISTS `messages`;
CREATE TABLE `messages` (
  `id` int NOT NULL AUTO_INCREMENT,
  `account_id` int NOT NULL,
  `author` varchar(190) NOT NULL,
  `body` text,
  `sent` datetime NOT NULL,
  `digest` char(64) NOT NULL,
  `flags` json DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
LOCK TABLES `messages` WRITE;
"""


def write(file: Path, *, rows: int = ROWS, row_on_a_line: bool = False) -> None:
    """Write the dump, about 390 bytes a row; `row_on_a_line` as mariadb-dump does. The same each time."""
    pick = random.Random(_SEED)
    texts = [" ".join(pick.choices(_WORDS, k=pick.randint(20, 60))) for _ in range(4_000)]
    lines = [f"{pick.randint(1, 999)} {a} {b} street, {c}" for a, b, c in (pick.choices(_WORDS, k=3) for _ in texts)]
    between = ",\n" if row_on_a_line else ","
    begin = "VALUES\n" if row_on_a_line else "VALUES "
    half = rows // 2
    with file.open("w") as out:
        out.write(_HEAD)
        for table, head, row in (("accounts", _ACCOUNTS, _account), ("messages", _MESSAGES, _message)):
            out.write(head)
            for first in range(1, half + 1, _ROWS_IN_A_STATEMENT):
                numbers = range(first, min(first + _ROWS_IN_A_STATEMENT, half + 1))
                values = between.join([row(number, pick, texts, lines) for number in numbers])
                out.write(f"INSERT INTO `{table}` {begin}{values};\n")
            out.write("UNLOCK TABLES;\n")
        out.write("-- Dump completed on 2026-11-21 12:00:00\n")


def _account(number: int, pick: random.Random, texts: list[str], lines: list[str]) -> str:
    chance = pick.getrandbits(60)
    given, family = _GIVEN[chance % 14], _FAMILY[chance % 12]
    day = f"2024-{chance % 12 + 1:02}-{chance % 28 + 1:02} 10:{chance % 60:02}:00"
    line, text = lines[chance % len(lines)], texts[(chance >> 20) % len(texts)]
    return (
        f"({number},'{given}.{family}.{number}@mail{chance % 97}.example.com','{given} {family} {chance % 10007}',"
        f"'{line} {chance % 99991}, {text}','{day}','active',{chance % 100000}.{chance % 90 + 10},"
        f"'theme=dark;page={chance % 50};columns=id,name,created;zoom={chance % 9}')"
    )


def _message(number: int, pick: random.Random, texts: list[str], lines: list[str]) -> str:
    chance = pick.getrandbits(60)
    account = chance % 1_500_000 + 1
    day = f"2024-{chance % 12 + 1:02}-{chance % 28 + 1:02} 10:{chance % 60:02}:00"
    return (
        f"({number},{account},'{_GIVEN[chance % 14]}.{account}@mail{chance % 97}.example.com',"
        f"'{texts[chance % len(texts)]} {number}','{day}',"
        f'\'{chance:064x}\',\'{{\\"read\\": true, \\"folder\\": \\"inbox\\", \\"size\\": {chance % 9999}}}\')'
    )

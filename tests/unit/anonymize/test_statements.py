"""What a dump may be made of, what is done to it, and what stops it: never a pass-through."""

from __future__ import annotations

import re

import pytest

from anonymize.dumps.statements import Options
from anonymize.errors import Unreadable
from anonymize.ops import Constant
from tests.unit.anonymize.dumping import HIDDEN, KEPT, USERS, rewritten, run

FIRST = USERS + KEPT
ORIGINAL = b"ann@example.org"

REPLACED = {
    "as mysqldump writes it": b"INSERT INTO `users` VALUES (1,'@','n'),(2,'@','m');\n",
    "as mariadb-dump writes it": b"INSERT INTO `users` VALUES\n(1,'@','n'),\n(2,'@','m');\n",
    "with a column list": b"INSERT INTO `users` (`id`, `email`, `note`) VALUES (1,'@','n');",
    "with its columns in another order": b"INSERT INTO `users` (`email`,`id`) VALUES ('@',1),('@',2);",
    "with names that are not quoted": b"INSERT INTO users (note,email) VALUES ('n','@');",
    "with names as ANSI quotes them": b'INSERT INTO "users" ("note","email") VALUES (\'n\',\'@\');',
    "with IGNORE and two spaces": b"INSERT  IGNORE INTO `users` VALUES (1,'@','n');",
    "with IGNORE and one space": b"INSERT IGNORE INTO `users` VALUES (1,'@','n');",
    "with DELAYED": b"INSERT DELAYED IGNORE INTO `users` VALUES (1,'@','n');",
    "with LOW_PRIORITY": b"insert low_priority into users values (1,'@','n');",
    "without INTO": b"INSERT users VALUES (1,'@','n');",
    "without any space": b"INSERT INTO`users`(`email`)VALUES('@');",
    "with VALUE": b"INSERT INTO users VALUE (1,'@','n');",
    "with REPLACE": b"REPLACE INTO `users` VALUES (1,'@','n');",
    "with REPLACE and no INTO": b"replace users (email) values ('@');",
    "with comments everywhere": b"/* a */ INSERT /* b */ INTO -- c\n users # d\n ( /* ) */ email /* e */ "
    b") VALUES /* f */ ('@');",
    "after an empty statement": b";;\n ; INSERT INTO users VALUES (1,'@','n');",
    "with tabs and line ends": b"INSERT\tINTO\r\nusers\nVALUES\r\n\t(1,'@','n')\r\n,\r\n(2,'@','m')\r\n;\r\n",
    "one row a statement": b"INSERT INTO `users` VALUES (1,'@','n');\nINSERT INTO `users` VALUES (2,'@','m');\n" * 3,
    "between the lines that lock a table": b"LOCK TABLES `users` WRITE;\n/*!40000 ALTER TABLE `users` "
    b"DISABLE KEYS */;\n"
    b"INSERT INTO `users` VALUES (1,'@','n');\n/*!40000 ALTER TABLE `users` ENABLE KEYS */;\nUNLOCK TABLES;\n",
    "after a row with quotes, commas and ends": b"INSERT INTO users VALUES (1,'@',');\\'\\');--'),(2,'@','''),(');",
    "a last line that is a comment without an end": b"INSERT INTO users VALUES (1,'@','n');\n-- done",
}


@pytest.mark.parametrize("dump", REPLACED.values(), ids=REPLACED)
@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_a_marked_column_is_replaced_and_all_else_stays(dump: bytes, piece: int) -> None:
    assert rewritten(FIRST + dump.replace(b"@", ORIGINAL), piece=piece) == FIRST + dump.replace(b"@", b"hidden")


PASSED = {
    "the head of mysqldump": b"-- MySQL dump 10.13\n--\n-- Host: localhost\n-- ------\n"
    b"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n/*!50503 SET NAMES utf8mb4 */;\n"
    b"/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n"
    b"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n"
    b"/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n"
    b"-- Dump completed on 2026-11-21 12:00:00\n",
    "the sandbox line of mariadb-dump": b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n"
    b"/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;\n-- Dump completed on 2026\n",
    "a byte order mark": b"\xef\xbb\xbfSET NAMES utf8;\n",
    "databases": b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET "
    b"utf8mb4 */;\nUSE `shop`;\n"
    b"DROP DATABASE IF EXISTS x; ALTER DATABASE `shop` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci ;",
    "a view, and its stand-in": b"/*!50001 DROP VIEW IF EXISTS `v`*/;\nSET @saved_cs_client     = "
    b"@@character_set_client;\n"
    b"/*!50001 CREATE TABLE `v` (\n  `a` tinyint NOT NULL\n) ENGINE=MyISAM */;\n"
    b"SET character_set_client = @saved_cs_client;\n/*!50001 CREATE VIEW `v` AS SELECT 1 AS `a`*/;\n"
    b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */\n"
    b"/*!50001 VIEW `v` AS select 1 AS `a` */;\n",
    "a trigger between DELIMITER lines": b"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ "
    b"/*!50003 TRIGGER t BEFORE "
    b"INSERT ON users FOR EACH ROW BEGIN\n SET NEW.note = ';;'; -- it's ;;\n INSERT INTO kept VALUES "
    b"(1,'x');\nEND */;;\nDELIMITER ;\n",
    "routines and events": b"DELIMITER $$\nCREATE DEFINER=CURRENT_USER() PROCEDURE p() BEGIN DELETE FROM kept; END$$\n"
    b"CREATE FUNCTION f() RETURNS int RETURN 1$$\ndelimiter //\nCREATE OR REPLACE AGGREGATE FUNCTION g() RETURNS int "
    b"RETURN 4/2//\n/*!50106 CREATE*/ /*!50117 DEFINER=`a`@`b`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 "
    b"DAY DO SELECT 1 */ //\n"
    b"DELIMITER ;\n",
    "bodies as mydumper has them": b"CREATE DEFINER=`root`@`localhost` TRIGGER t BEFORE UPDATE ON users "
    b"FOR EACH ROW BEGIN\n"
    b"  SET NEW.note = 'x'; \n  DELETE FROM kept; \nEND;\nSET NAMES utf8;\n",
    "transactions": b"START TRANSACTION;\nBEGIN;\nCOMMIT;\nROLLBACK;\nSET AUTOCOMMIT=0; SET SESSION "
    b"TRANSACTION ISOLATION LEVEL "
    b"REPEATABLE READ;",
    "replication": b"CHANGE MASTER TO MASTER_LOG_FILE='binlog.1', MASTER_LOG_POS=154;\nSTOP SLAVE;\nSTART ALL SLAVES;\n"
    b"CHANGE REPLICATION SOURCE TO SOURCE_LOG_POS=4;\nSET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a-b:1-5';\n"
    b"SET @@SESSION.SQL_LOG_BIN= 0;\nSET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\n",
    "sequences": b"CREATE SEQUENCE `s` start with 1 minvalue 1 maxvalue 9 increment by 1 cache 1 nocycle "
    b"ENGINE=InnoDB;\n"
    b"SELECT SETVAL(`s`, 1001, 0);\nDO SETVAL(`s`, -1, 0);\n",
    "what Percona's mysqldump asks": b"/*!50717 SELECT COUNT(*) INTO @rocksdb_has_p_s_session_variables FROM "
    b"INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'session_variables' */;\n"
    b"/*!50717 SET @rocksdb_get_is_supported = IF (@rocksdb_has_p_s_session_variables, 'SELECT 1', 'SELECT 0') */;\n"
    b"/*!50717 PREPARE s FROM @rocksdb_get_is_supported */;\n/*!50717 EXECUTE s */;\n/*!50717 DEALLOCATE "
    b"PREPARE s */;\n",
    "keys that phpMyAdmin adds": b"ALTER TABLE `users`\n  ADD PRIMARY KEY (`id`),\n  ADD UNIQUE KEY `e` (`email`);\n"
    b"ALTER TABLE users MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7;\n"
    b"CREATE UNIQUE INDEX i ON users (note);\n",
    "other statements about tables": b"DROP TABLE IF EXISTS `a`, `b`;\nTRUNCATE TABLE users;\nANALYZE "
    b"TABLE users;\nFLUSH TABLES;\n"
    b"DROP TEMPORARY TABLE IF EXISTS x;\n/*!80002 ANALYZE TABLE `users` UPDATE HISTOGRAM ON `id` WITH "
    b"100 BUCKETS */;\n",
    "rows that stay, whatever is in them": b"INSERT INTO `kept` VALUES "
    b"(1,'a;b\\';'),(2,\"x;\\\"\"),(3,'it''s; -- '),(4,/* ; ' */0x3B);\n"
    b"INSERT INTO kept VALUES (5,_binary '\\\\');\n",
    "a row whose marked value is NULL": b"INSERT INTO users VALUES (1,NULL,'n');",
    "nothing but comments": b"-- nothing\n# nothing\n/* nothing; */\n",
}


@pytest.mark.parametrize("dump", PASSED.values(), ids=PASSED)
@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
def test_what_is_not_marked_comes_out_byte_for_byte(dump: bytes, piece: int) -> None:
    dump = dump if dump.startswith((b"-- M", b"/*M", b"\xef")) else FIRST + dump
    options = Options(bodies=b"TRIGGER t BEFORE UPDATE" in dump)
    assert rewritten(dump, piece=piece, options=options) == dump


REFUSED = {
    "an executable comment": b"INSERT INTO users VALUES (1,'a' /*!50001 'ann@example.org' */,'n');",
    "behind a row": b"INSERT INTO users VALUES (1,'a','n') /*!50001 ,(2,'ann@example.org','n') */;",
    "behind a row stands": b"INSERT INTO users VALUES (1,'a','n'),/*M!100000 (2,'ann@example.org','n'), */(3,'b','c');",
    "an executable comment, or": b"INSERT INTO kept VALUES (1,'a') /*!; INSERT INTO users VALUES (1,'ann@') */;",
    "or a backslash": b"INSERT INTO kept VALUES (1,'a')\\g INSERT INTO users VALUES (1,'ann@example.org','n');",
    "USE": b"USE shop\nUSE shop\nINSERT INTO users VALUES (1,'ann@example.org','n');",
    "END": b"CREATE FUNCTION f() RETURNS int BEGIN RETURN 1; END;",
    "goes on behind": b"/*!99999 SET @a=1 */ INSERT INTO users VALUES (1,'ann@example.org','n');",
    "goes on": b"/*!80000 START TRANSACTION */ INSERT INTO users VALUES (1,'ann@example.org','n');",
    "there already": b"CREATE TABLE IF NOT EXISTS users (id int, note text, email text);",
    "made by a SELECT": b"CREATE TABLE t (id int) ((SELECT 'ann@example.org' AS email));",
    "by a SELECT": b"CREATE TABLE t (id int, email text) (VALUES (1,'ann@example.org'));",
    "a backslash": b"DROP TABLE IF EXISTS xx\\g INSERT INTO users VALUES (1,'ann@example.org','n');",
    "UPDATE": b"UPDATE users SET email = 'ann@example.org';",
    "DELETE": b"DELETE FROM users WHERE email = 'ann@example.org';",
    "LOAD": b"LOAD DATA INFILE 'x' INTO TABLE users;",
    "CALL": b"CALL add_user('ann@example.org');",
    "WITH": b"WITH a AS (SELECT 'ann@example.org') SELECT * FROM a;",
    "SELECT": b"SELECT 'ann@example.org';",
    "DO": b"DO SETVAL('ann@example.org');",
    "GRANT": b"GRANT ALL ON *.* TO 'ann@example.org'@'%';",
    "CREATE": b"CREATE USER 'ann@example.org'@'%' IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19';",
    "PREPARE": b"PREPARE s FROM 'INSERT INTO users VALUES (1)';",
    "ANALYZE": b"ANALYZE TABLE users UPDATE HISTOGRAM ON email USING DATA '[\"ann@example.org\"]';",
    "RENAME": b"RENAME TABLE users TO people;",
    "INSERT without rows": b"INSERT INTO users SELECT 1, 'ann@example.org', 'n';",
    "INSERT without rows ": b"INSERT INTO users SET email = 'ann@example.org';",
    "INSERT without rows  ": b"INSERT INTO users VALUES ROW(1,'ann@example.org','n');",
    "INSERT without rows   ": b"INSERT INTO users PARTITION (p0) VALUES (1,'ann@example.org','n');",
    "REPLACE without rows": b"REPLACE INTO users SELECT 1, 'ann@example.org', 'n';",
    "INSERT is not known": b"/*!40000 INSERT INTO users VALUES (1,'ann@example.org','n') */;",
    "INSERT without rows    ": b"INSERT /*!40000 IGNORE */ INTO users VALUES (1,'ann@example.org','n');",
    "INSERT between DELIMITER lines": b"DELIMITER //\nINSERT INTO users VALUES (1,'ann@example.org','n')//",
    "SET PASSWORD": b"SET PASSWORD FOR 'root'@'%' = 'ann@example.org';",
    "SET STATEMENT": b"SET STATEMENT max_statement_time=1 FOR INSERT INTO users VALUES (1,'ann@example.org','n');",
    "this is no statement": b"ann@example.org is a text;",
    "this is no statement ": b"'ann@example.org';",
    "this is no statement  ": b"--ann@example.org\n;",
    "DELIMITER does not say which": b"DELIMITER\n",
    "ALTER of a table that is not known": b"ALTER TABLE people ADD KEY (name);",
    "a NUL stands outside of strings": b"DROP TABLE\0 x;",
    "this is no statement    ": b"\0\0\0\0",
    "another character set": b"SET NAMES gbk;",
    "another character set ": b"/*!40101 SET character_set_client = sjis */;",
    "sql_mode is set to something": b"SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');",
    "sql_mode is set to a number": b"SET sql_mode = 1048576;",
    "table people is not known": b"INSERT INTO people VALUES (1,'ann@example.org','n');",
    "table Users is not known": b"INSERT INTO Users VALUES (1,'ann@example.org','n');",
    "table users: ": b"INSERT INTO users VALUES (1,'a','n') ON DUPLICATE KEY UPDATE email = 'ann@example.org';",
    "the row has 2 values": b"INSERT INTO users VALUES (1,'ann@example.org');",
    "the row has 4 values": b"INSERT INTO users VALUES (1,'ann@example.org','n',4);",
    "it is cut off|cut off": b"INSERT INTO users VALUES (1,'ann@example.org','n')",
    "cut off: it ends inside a statement": b"INSERT INTO users VALUES (1,'ann@exam",
    "cut off: it ends inside a statement ": b"INSERT INTO kept VALUES (1,'ann@exam",
    "cut off: it ends inside a statement  ": b"SET @a = 'ann@exam;",
    "cut off: it ends inside a comment": b"/* ann@example.org;",
    "cut off: it ends inside a statement   ": b"/*!40101 SET NAMES utf8 ",
    "it is made by|SELECT": b"CREATE TABLE copy (a int) AS SELECT 'ann@example.org' AS a;",
}


@pytest.mark.parametrize(("what", "dump"), REFUSED.items(), ids=REFUSED)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_what_is_not_understood_stops_the_dump_at_its_line_and_shows_no_value(
    what: str, dump: bytes, piece: int
) -> None:
    with pytest.raises(Unreadable) as raised:
        rewritten(FIRST + b"INSERT INTO kept VALUES (0,'\n');\n" + dump, piece=piece)
    assert re.search(what.strip(), raised.value.message)
    assert re.match(r"dump\.sql:[56]: ", raised.value.message)
    assert "ann@" not in raised.value.message + raised.value.hint
    assert "*2470" not in raised.value.message


def test_a_wrong_row_is_named_by_its_line_in_a_long_statement() -> None:
    rows = b",\n".join(b"(%d,'ann@example.org','n')" % number for number in range(90_000))
    with pytest.raises(Unreadable, match=r"^dump\.sql:90003: table users: the row has 1 values"):
        rewritten(
            FIRST + b"INSERT INTO users VALUES\n" + rows.replace(b"(89999,'ann@example.org','n')", b"(89999)") + b";"
        )


def test_a_backslash_is_only_an_escape_where_the_dump_says_so() -> None:
    rows = b"INSERT INTO users VALUES (1,'ann\\','\\');\n"
    mode = b"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES' */;\n"
    assert rewritten(USERS + mode + rows) == USERS + mode + b"INSERT INTO users VALUES (1,'hidden','\\');\n"
    back = mode + b"SET SQL_MODE=@OLD_SQL_MODE;\n"
    assert b"'hidden','\\');'" in rewritten(USERS + back + b"INSERT INTO users VALUES (1,'ann','\\');');\n")


def test_text_in_latin1_is_told_by_what_the_dump_says_of_itself() -> None:
    marks = {"users.email": Constant("é".encode())}
    for says in (b"/*!40101 SET NAMES latin1 */;\n", b"SET character_set_client = 'latin1';\n"):
        dump = USERS + says + b"INSERT INTO users VALUES (1,'\xfc','\xfc');\n"
        assert rewritten(dump, marks).endswith(b"(1,'\xe9','\xfc');\n")
    assert rewritten(
        USERS + b"INSERT INTO users VALUES (1,'x','y');\n", marks, options=Options(charset="latin1")
    ).endswith(b"(1,'\xe9','y');\n")


def test_without_a_character_set_text_is_in_that_of_its_column() -> None:
    marks = {"t.a": Constant("é".encode()), "t.b": Constant("é".encode())}
    table = b"SET NAMES binary;\nCREATE TABLE t (a varchar(9), b varchar(9) CHARACTER SET %s) CHARSET=latin1;\n"
    rows = b"INSERT INTO t VALUES ('x','x');\n"
    assert rewritten(table % b"latin1" + rows, marks).endswith(b"('\xe9','\xe9');\n")
    with pytest.raises(Unreadable, match=r"several character sets \(latin1, utf8mb4\)"):
        rewritten(table % b"utf8mb4" + rows, marks)


def test_tables_of_several_databases_are_told_apart() -> None:
    other = USERS.replace(b"`email`", b"`mail`")
    rows = b"INSERT INTO users VALUES (1,'a','n');\n"
    dump = (
        b"USE `one`;\n"
        + USERS
        + rows
        + b"USE two;\n"
        + other
        + rows
        + b"INSERT INTO `one`.`users` VALUES (1,'a','n');\n"
    )
    hidden = rows.replace(b"'a'", b"'hidden'")
    expected = dump.replace(rows, hidden, 1).replace(
        b"`one`.`users` VALUES (1,'a'", b"`one`.`users` VALUES (1,'hidden'"
    )
    out, counts = run(dump)
    assert out == expected
    assert {table: (count.rows, dict(count.replaced)) for table, count in counts.items()} == {
        ("one", "users"): (2, {"email": 2})
    }


def test_a_table_made_anew_is_the_one_that_counts() -> None:
    other = b"DROP TABLE IF EXISTS `users`;\nCREATE TABLE users (email int, id int);\n"
    assert rewritten(USERS + other + b"INSERT INTO users VALUES ('ann','bob');").endswith(b"('hidden','bob');")


def test_a_table_like_another_has_its_columns() -> None:
    marks = {"copy.email": HIDDEN}
    dump = USERS + b"CREATE TABLE copy LIKE users;\nINSERT INTO copy VALUES (1,'ann','n');"
    assert rewritten(dump, marks).endswith(b"(1,'hidden','n');")


def test_what_was_replaced_is_counted_by_column_whatever_the_statements_were_like() -> None:
    _, counts = run(
        FIRST + b"INSERT INTO users VALUES (1,'a','n'),(2,NULL,'n');\nSET NAMES utf8;\nINSERT INTO users "
        b"(email) VALUES ('b');"
    )
    assert {table: (count.rows, dict(count.replaced)) for table, count in counts.items()} == {
        (None, "users"): (3, {"email": 2})
    }


def test_a_dump_without_its_last_line_is_refused_unless_it_is_meant_to_be_a_part() -> None:
    for head in (b"-- MySQL dump 10.13\n", b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n"):
        dump = head + USERS + b"INSERT INTO users VALUES (1,NULL,'n');\n"
        with pytest.raises(Unreadable, match="it does not end with '-- Dump completed'"):
            rewritten(dump)
        assert rewritten(dump, options=Options(partial=True)) == dump
        assert rewritten(dump + b"-- Dump completed on 2026-11-21\n") == dump + b"-- Dump completed on 2026-11-21\n"


def test_a_row_larger_than_a_block_is_read_whole() -> None:
    note = b"n" * (3 << 20)
    dump = USERS + b"INSERT INTO users VALUES (1,'ann','" + note + b"'),(2,'ann','n');\n"
    assert rewritten(dump) == dump.replace(b"'ann'", b"'hidden'")


def test_a_statement_that_has_no_end_is_not_read_into_memory_whole() -> None:
    with pytest.raises(Unreadable, match=r"dump\.sql:2: something has no end in \d\d MB"):
        rewritten(USERS + b"SET @a = '" + b"x" * (40 << 20))

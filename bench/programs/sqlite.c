// SPDX-License-Identifier: Apache-2.0
// A database in memory: inserts, an index, joins, aggregates, updates.
#include <stdio.h>

#include "sqlite3.h"

static const char kStatements[] =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, kind INTEGER);"
    "CREATE TABLE sale(item INTEGER, amount INTEGER, day INTEGER);"
    "BEGIN;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
    "  INSERT INTO item SELECT i, 'item number ' || i, i * 0.25, i % 17 FROM n;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)"
    "  INSERT INTO sale SELECT i * 7919 % 20000 + 1, i % 13, i % 365 FROM n;"
    "COMMIT;"
    "CREATE INDEX sale_item ON sale(item);"
    "SELECT kind, count(*), sum(price * amount) FROM item JOIN sale ON sale.item = item.id GROUP BY kind ORDER BY 3 DESC LIMIT 3;"
    "SELECT name, total FROM (SELECT item, sum(amount) AS total FROM sale GROUP BY item) JOIN item ON item.id = item"
    "  WHERE name LIKE '%99%' ORDER BY total DESC, name LIMIT 3;"
    "UPDATE item SET price = price * 1.5, name = upper(name) WHERE id IN (SELECT item FROM sale WHERE day < 90);"
    "DELETE FROM sale WHERE day % 2 = 0;"
    "SELECT count(*), round(sum(price), 2), max(name) FROM item WHERE EXISTS (SELECT 1 FROM sale WHERE sale.item = item.id);";

static int print(void* unused, int count, char** values, char** names) {
  (void)unused, (void)names;
  for (int i = 0; i < count; i++) printf("%s%s", i ? "|" : "", values[i] ? values[i] : "");
  puts("");
  return 0;
}

int main(void) {
  sqlite3* database;
  char* error = NULL;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK || sqlite3_exec(database, kStatements, print, NULL, &error) != SQLITE_OK) {
    fprintf(stderr, "%s\n", error ? error : sqlite3_errmsg(database));
    return 1;
  }
  return sqlite3_close(database) != SQLITE_OK;
}

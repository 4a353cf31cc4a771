"""Looks at a catalog with sqlite3 alone, and damages one: catalog.py FILE COMMAND [ARGUMENT]."""

import sqlite3
import sys


def main(path, command, *arguments):
    db = sqlite3.connect(path)

    def rows(sql, *values):
        return db.execute(sql, values).fetchall()

    if command == "count":
        print(rows(f"SELECT count(*) FROM {arguments[0]}")[0][0])
    elif command == "dump":
        for row in sorted(rows(f"SELECT * FROM {arguments[0]}")):
            print(*row, sep="|")
    elif command == "measured":
        # candidate and how many valid readings it has
        for row in rows("SELECT candidate, sum(valid) FROM readings GROUP BY candidate ORDER BY candidate"):
            print(*row)
    elif command == "most-valid":
        print(rows("SELECT coalesce(max(n), 0) FROM (SELECT sum(valid) AS n FROM readings GROUP BY candidate)")[0][0])
    elif command == "delete-reading":
        [(candidate,)] = rows("SELECT candidate FROM readings ORDER BY key LIMIT 1 OFFSET ?", int(arguments[0]))
        with db:
            db.execute("DELETE FROM readings WHERE candidate = ?", (candidate,))
        print(candidate)
    elif command == "version":
        with db:
            db.execute(f"PRAGMA user_version = {int(arguments[0])}")
    elif command == "sound":
        problems = [row[0] for row in rows("PRAGMA integrity_check") if row[0] != "ok"]
        problems += [f"foreign key: {row}" for row in rows("PRAGMA foreign_key_check")]
        problems += [
            f"{candidate} was executed {executions} times for {count} readings"
            for candidate, executions, count in rows(
                "SELECT candidate, sum(executions), count(*) FROM readings GROUP BY candidate")
            if executions != count
        ]
        problems += [f"reading of an unknown candidate {row[0]}" for row in rows(
            "SELECT candidate FROM readings WHERE candidate NOT IN (SELECT digest FROM candidates)")]
        print("sound" if not problems else "\n".join(problems))
        sys.exit(1 if problems else 0)
    else:
        sys.exit(f"no command {command}")


main(*sys.argv[1:])

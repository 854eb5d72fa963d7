"""What somebody finds in a copy of the database's main file: the results, and how many jobs were posted."""

import json
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])


def rows(query):
    try:
        return database.execute(query).fetchall()
    except sqlite3.OperationalError as error:
        # Not even the tables need be in it.
        if "no such table" not in str(error):
            raise
        return []


results, posted = rows("SELECT job, output FROM results"), rows("SELECT id FROM posted")
print(json.dumps({"results": dict(results), "posted": len(posted)}))

"""How a counterpart talks with the test: a question is a line of JSON on stdin, its answer a line on stdout."""

import json
import os
import sys
import threading


def serve(answer):
    """Says that it is ready, then answers until the test has closed stdin, which is also the end of the process."""

    def talk():
        for number, line in enumerate(sys.stdin, start=1):
            try:
                reply = answer(**json.loads(line))
            except Exception as error:  # the test reads it
                reply = {"error": repr(error)}
            print(f"answer {number} {json.dumps(reply)}", flush=True)
        os._exit(0)

    threading.Thread(target=talk, daemon=True).start()
    print("ready", flush=True)

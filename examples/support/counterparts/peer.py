"""How a counterpart talks with the test: a question is a line of JSON on stdin, its answer a line on stdout. Any of
them may be told to be at fault."""

import json
import os
import sys
import threading

faults = []


def fault(what, order=None):
    """The fault that is due for this call, or for this order of it."""
    for due in faults:
        if due["what"] == what and due.get("order") == order and due.get("times") != 0:
            if due.get("times"):
                due["times"] -= 1
            return due["how"]
    return None


def serve(answer):
    """Says that it is ready, then answers until the test has closed stdin, which is also the end of the process."""

    def talk():
        for number, line in enumerate(sys.stdin, start=1):
            try:
                question = json.loads(line)
                match question:
                    case {"ask": "fault"}:
                        reply = faults.append(question)
                    case {"ask": "mend"}:
                        reply = faults.clear()
                    case _:
                        reply = answer(**question)
            except Exception as error:  # the test reads it
                reply = {"error": repr(error)}
            print(f"answer {number} {json.dumps(reply)}", flush=True)
        os._exit(0)

    threading.Thread(target=talk, daemon=True).start()
    print("ready", flush=True)

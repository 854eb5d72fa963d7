"""Sends a large request before it reads a word, as many clients do, and says how it was answered.

    python upload.py HOST:PORT PATH BYTES
"""

import http.client
import sys

connection = http.client.HTTPConnection(sys.argv[1])
connection.putrequest("POST", sys.argv[2])
connection.putheader("content-length", sys.argv[3])
connection.endheaders()
print("the head is sent", flush=True)
connection.send(b"x" * int(sys.argv[3]))
answer = connection.getresponse()
print(answer.status, answer.read().decode(), flush=True)

"""Where alerts arrive: an HTTP server for the webhook, and aiosmtpd for mails."""

import json
import sys
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

import peer

http_port, smtp_port = map(int, sys.argv[1:])
webhooks, mails = [], []


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        webhooks.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content)
        text = mail.get_payload(decode=True).decode()
        mails.append({"to": envelope.rcpt_tos, "subject": mail["Subject"], "text": text})
        return "250 kept"


Controller(Mailbox(), hostname="127.0.0.1", port=smtp_port).start()
server = ThreadingHTTPServer(("127.0.0.1", http_port), Webhook)
peer.serve(lambda ask: {"webhooks": webhooks, "mails": mails}[ask])
server.serve_forever()

"""A venue that speaks FIX: QuickFIX's acceptor, with a list of orders behind it. On request it refuses or says nothing."""

import sys
import tempfile
import threading
from collections import Counter

import quickfix as fix

import peer

orders = {}  # by ClOrdID: price, and OrdStatus
seen = Counter()
lock = threading.Lock()
session = None
NEW, FILLED, CANCELED, REJECTED = "0", "2", "4", "8"


def field(message, tag):
    return message.getField(tag) if message.isSetField(tag) else None


def message(kind, *fields):
    made = fix.Message()
    made.getHeader().setField(fix.MsgType(kind))
    for tag, value in fields:
        made.setField(fix.StringField(tag, str(value)))
    return made


def report(name, status, *more):
    number = sum(seen.values())
    kind = "F" if status == FILLED else status
    left = "0" if status != NEW else "1"
    return message(
        "8", (37, f"X{more[0][1] if more else name}"), (11, name), (17, number), (150, kind), (39, status), (55, "BTC-USDT"),
        (54, "1"), (151, left), (14, "0"), (6, "0"), *more,
    )


class Venue(fix.Application):
    def onCreate(self, created):
        pass

    def onLogon(self, on):
        global session
        session = on

    def onLogout(self, _):
        pass

    def toAdmin(self, *_):
        pass

    def toApp(self, *_):
        pass

    def fromAdmin(self, admin, _):
        self.count(admin)

    def fromApp(self, asked, at):
        with lock:
            for answer in self.answers(self.count(asked), asked):
                fix.Session.sendToTarget(answer, at)

    def count(self, asked):
        kind = fix.MsgType()
        asked.getHeader().getField(kind)
        seen[kind.getString()] += 1
        return kind.getString()

    def answers(self, kind, asked):
        how = peer.fault(kind)
        if how == "hang":
            return []
        return {"D": self.place, "F": self.cancel, "q": self.cancel_all}[kind](asked, field(asked, 11), how)

    def place(self, asked, name, how):
        orders[name] = {"price": field(asked, 44), "status": REJECTED if how else NEW}
        return [report(name, orders[name]["status"])]

    def cancel(self, asked, name, how):
        original = field(asked, 41)
        order = orders.get(original)
        if order and order["status"] == NEW and not how and not peer.fault("cancel", order["price"]):
            order["status"] = CANCELED
            return [report(name, CANCELED, (41, original))]
        status = order["status"] if order else REJECTED
        return [message(
            "9", (37, f"X{original}"), (11, name), (41, original), (39, status), (434, "1"), (102, "99"), (58, "not now"),
        )]

    def cancel_all(self, asked, name, how):
        if how:
            return [message("r", (37, "M"), (11, name), (530, "7"), (531, "0"), (532, "99"), (58, "not now"))]
        affected = [n for n, o in orders.items() if o["status"] == NEW and not peer.fault("cancel", o["price"])]
        for each in affected:
            orders[each]["status"] = CANCELED
        done = message("r", (37, "M"), (11, name), (530, "7"), (531, "7"), (533, len(affected)))
        for each in affected:
            group = fix.Group(534, 41)
            group.setField(fix.StringField(41, each))
            group.setField(fix.StringField(535, f"X{each}"))
            done.addGroup(group)
        return [report(each, CANCELED) for each in affected] + [done]


def told(ask, **given):
    with lock:
        match ask:
            case "open":
                return [name for name, order in orders.items() if order["status"] == NEW]
            case "calls":
                return dict(seen)
            case "fill":
                name = next(n for n, o in orders.items() if o["price"] == given["price"] and o["status"] == NEW)
                orders[name]["status"] = FILLED
                fix.Session.sendToTarget(report(name, FILLED), session)
    return None


with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/acceptor.cfg", "w") as settings:
        settings.write(f"""[DEFAULT]
ConnectionType=acceptor
SocketAcceptPort={sys.argv[1]}
SocketReuseAddress=Y
StartTime=00:00:00
EndTime=00:00:00
UseDataDictionary=N
BeginString=FIX.4.4
ResetOnLogon=Y
FileStorePath={folder}/store
[SESSION]
SenderCompID=EXCHANGE
TargetCompID=BOT
""")
    settings = fix.SessionSettings(f"{folder}/acceptor.cfg")
    venue = Venue()
    acceptor = fix.SocketAcceptor(venue, fix.MemoryStoreFactory(), settings)
    acceptor.start()
    peer.serve(told)
    threading.Event().wait()

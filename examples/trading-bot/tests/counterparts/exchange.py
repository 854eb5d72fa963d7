"""A simulated exchange with the part of OKX's REST interface, version 5, that the bot and ccxt use.

Simulated: the matching (price, then time), the accounts, that nothing is ever in doubt. Not simulated: signatures,
which are checked as the exchange does, the split between demo and live trading, the shapes of the answers, which
ccxt must understand. On request it refuses or hangs.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections import Counter

from aiohttp import web

import peer

SECRETS = {"bot": "bot's secret", "taker": "taker's secret"}
INSTRUMENT = {
    "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "tickSz": "0.1", "lotSz": "0.0001",
    "minSz": "0.0001", "state": "live", "listTime": "1548133413000", "ctVal": "", "ctMult": "", "settleCcy": "", "uly": "",
    "lever": "", "optType": "", "stk": "", "expTime": "", "ctType": "", "alias": "", "category": "1",
    "maxLmtSz": "9999", "maxMktSz": "9999",
}

orders = {}  # by id, in the order in which they came
calls = Counter()


def now():
    return str(int(time.time() * 1000))


def answer(data, code="0", msg=""):
    return web.json_response({"code": code, "msg": msg, "data": data})


def is_open(order):
    return order["state"] in ("live", "partially_filled")


@web.middleware
async def exchange(request, handler):
    what = request.path.removeprefix("/api/v5/")
    if not what.startswith("public/"):
        head = request.headers
        body = (await request.read()).decode()
        signed = head.get("OK-ACCESS-TIMESTAMP", "") + request.method + request.raw_path + body
        secret = SECRETS.get(head.get("OK-ACCESS-KEY"), "")
        mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
        if not secret or base64.b64encode(mac).decode() != head.get("OK-ACCESS-SIGN"):
            return web.json_response({"code": "50113", "msg": "Invalid Sign", "data": []}, status=401)
        request["account"] = (head["OK-ACCESS-KEY"], head.get("x-simulated-trading") == "1")
    if request.get("account", ("bot",))[0] == "bot":
        calls[what] += 1
        match peer.fault(what):
            case "refuse":
                return answer([], "50001", "Service temporarily unavailable")
            case "hang":
                await asyncio.Event().wait()
    return await handler(request)


async def instruments(request):
    return answer([INSTRUMENT] if request.query.get("instType") == "SPOT" else [])


async def server_time(_):
    return answer([{"ts": now()}])


def match_against_book(taken):
    """Fills it from the other side, best price first."""
    sign = 1 if taken["side"] == "sell" else -1
    others = [o for o in orders.values() if is_open(o) and o["side"] != taken["side"] and o["demo"] == taken["demo"]]
    for other in sorted(others, key=lambda o: -sign * float(o["px"])):
        left = float(taken["sz"]) - float(taken["accFillSz"])
        if left <= 0 or sign * float(other["px"]) < sign * float(taken["px"]):
            break
        size = min(left, float(other["sz"]) - float(other["accFillSz"]))
        for order in (taken, other):
            order["accFillSz"] = str(round(float(order["accFillSz"]) + size, 8))
            order["avgPx"] = other["px"]
            order["state"] = "filled" if float(order["accFillSz"]) >= float(order["sz"]) else "partially_filled"


def place_one(request, asked):
    account, demo = request["account"]
    order = {
        "instType": "SPOT", "instId": asked["instId"], "ordId": str(700000 + len(orders)), "clOrdId": asked["clOrdId"],
        "px": asked["px"], "sz": asked["sz"], "side": asked["side"], "ordType": asked["ordType"], "tdMode": "cash",
        "state": "live", "accFillSz": "0", "avgPx": "", "cTime": now(), "uTime": now(), "account": account, "demo": demo,
    }
    orders[order["ordId"]] = order
    match_against_book(order)
    return {"ordId": order["ordId"], "clOrdId": order["clOrdId"], "sCode": "0", "sMsg": ""}


async def place(request):
    return answer([place_one(request, await request.json())])


async def place_batch(request):
    return answer([place_one(request, asked) for asked in await request.json()])


def cancel_one(request, asked):
    order = mine(request).get(asked["ordId"])
    part = {"ordId": asked["ordId"], "clOrdId": "", "sCode": "0", "sMsg": ""}
    if order is None or not is_open(order):
        return part | {"sCode": "51400", "sMsg": "Cancellation failed as the order has been filled, canceled or does not exist"}
    if peer.fault("cancel", order["px"]):
        return part | {"sCode": "50013", "sMsg": "Systems are busy"}
    if peer.fault("fill", order["px"]):
        order |= {"state": "filled", "accFillSz": order["sz"], "uTime": now()}
        return part | {"sCode": "51400", "sMsg": "Cancellation failed as the order has been filled, canceled or does not exist"}
    order |= {"state": "canceled", "uTime": now()}
    return part


async def cancel(request):
    part = cancel_one(request, await request.json())
    return answer([part], "0" if part["sCode"] == "0" else "1")


async def cancel_batch(request):
    parts = [cancel_one(request, asked) for asked in await request.json()]
    failed = sum(part["sCode"] != "0" for part in parts)
    return answer(parts, "0" if not failed else "1" if failed == len(parts) else "2")


def mine(request):
    return {i: o for i, o in orders.items() if (o["account"], o["demo"]) == request["account"]}


async def detail(request):
    order = mine(request).get(request.query["ordId"])
    return answer([order]) if order else answer([], "51603", "Order does not exist")


async def pending(request):
    return answer([order for order in mine(request).values() if is_open(order)])


async def history(request):
    return answer([order for order in mine(request).values() if not is_open(order)][-100:])


def told(ask):
    return {"calls": dict(calls)}[ask]


app = web.Application(middlewares=[exchange])
app.add_routes([
    web.get("/api/v5/public/instruments", instruments),
    web.get("/api/v5/public/time", server_time),
    web.post("/api/v5/trade/order", place),
    web.post("/api/v5/trade/batch-orders", place_batch),
    web.get("/api/v5/trade/order", detail),
    web.post("/api/v5/trade/cancel-order", cancel),
    web.post("/api/v5/trade/cancel-batch-orders", cancel_batch),
    web.get("/api/v5/trade/orders-pending", pending),
    web.get("/api/v5/trade/orders-history", history),
])


async def main():
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    loop = asyncio.get_running_loop()

    async def on_loop(question):
        return told(**question)

    # Only this thread touches the orders.
    peer.serve(lambda **question: asyncio.run_coroutine_threadsafe(on_loop(question), loop).result())
    await asyncio.Event().wait()


asyncio.run(main())

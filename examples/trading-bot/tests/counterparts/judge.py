"""ccxt, which knows nothing of the bot: what the exchange says of its orders, and somebody else who trades there."""

import sys
import threading

import ccxt

import peer

address, mode = sys.argv[1:]
SYMBOL = "BTC/USDT"


def client(key):
    exchange = ccxt.okx({"apiKey": key, "secret": f"{key}'s secret", "password": "pass", "options": {"fetchMarkets": {"types": ["spot"]}}})
    exchange.has["fetchCurrencies"] = False
    exchange.enableRateLimit = False
    exchange.set_sandbox_mode(mode != "LIVE")
    exchange.urls["api"] = {"rest": address}
    return exchange


bot, taker = client("bot"), client("taker")


def told(ask, **given):
    match ask:
        case "open":
            return [order["clientOrderId"] for order in bot.fetch_open_orders(SYMBOL)]
        case "status":
            return bot.fetch_order(given["id"], SYMBOL)["status"]
        case "sell":
            return taker.create_order(SYMBOL, "limit", "sell", given["size"], given["price"])["id"]
    raise ValueError(ask)


peer.serve(told)
threading.Event().wait()

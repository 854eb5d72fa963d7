"""Temporal's own client, which knows nothing of the worker: starts orders, and says what the server has of them."""

import asyncio
import sys
import urllib.request

from temporalio.client import Client

import peer

address, metrics = sys.argv[1:]


async def connect():
    while True:
        try:
            return await Client.connect(address)
        except RuntimeError:  # it is not up yet
            await asyncio.sleep(0.05)


async def answer(ask, order=None, **given):
    handle = client.get_workflow_handle(f"order-{order}")
    match ask:
        case "start":
            input = {"id": order, **given}
            await client.start_workflow("Fulfil", input, id=f"order-{order}", task_queue="orders")
        case "result":
            return await handle.result()
        case "history":
            history = await handle.fetch_history()
            return [told(event) for event in history.events]
        case "pending":
            description = (await handle.describe()).raw_description
            return [pending(activity) for activity in description.pending_activities]
        case "polls":
            return polls(urllib.request.urlopen(f"http://{metrics}/metrics").read().decode())
    return None


def told(event):
    kind = event.WhichOneof("attributes")
    attributes = getattr(event, kind)
    said = {name: getattr(attributes, name, None) for name in ("attempt", "identity")}
    return {"event": kind.removesuffix("_event_attributes"), **said}


def pending(activity):
    return {
        "activity": activity.activity_type.name,
        "attempt": activity.attempt,
        "failure": activity.last_failure.message,
        "worker": activity.last_worker_identity,
    }


def polls(metrics):
    """How many polls of the queue's workers wait for an answer."""
    pending = [line for line in metrics.splitlines() if line.startswith("pending_polls{")]
    return sum(int(line.rsplit(" ", 1)[1]) for line in pending if 'taskqueue="orders"' in line)


loop = asyncio.new_event_loop()
client = loop.run_until_complete(connect())
peer.serve(lambda **question: asyncio.run_coroutine_threadsafe(answer(**question), loop).result())
loop.run_forever()

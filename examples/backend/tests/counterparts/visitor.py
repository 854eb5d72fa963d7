"""Clients that are still there when the backend is to end: each says what it sees, and how it ends.

    python visitor.py URL export | feed | idle
"""

import asyncio
import sys

import aiohttp

url, what = sys.argv[1:]


def say(line):
    print(line, flush=True)


async def export(session):
    """Takes the first line, and the others once it is told to."""
    lines = 0
    async with session.get(f"{url}/orders/export") as response:
        try:
            async for _ in response.content:
                lines += 1
                if lines == 1:
                    say("the first line")
                    await asyncio.to_thread(sys.stdin.readline)
            say(f"all of {lines} lines")
        except aiohttp.ClientError as error:
            say(f"cut off after {lines} lines: {error!r}")


async def feed(session):
    async with session.ws_connect(f"{url}/orders/feed") as socket:
        say("listening")
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            say(f"heard {message.data}")
        say(f"{message.type.name} {message.data} {message.extra}".strip())


async def idle():
    """Keeps its connection, and does not use it."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /orders HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"connection: close" not in head.lower(), head
    say(f"idle after {head.split()[1].decode()}")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    try:
        rest = await reader.read()
        say("closed in order" if rest == b"" else f"told {rest}")
    except ConnectionError as error:
        say(f"lost: {error!r}")


async def main():
    if what == "idle":
        return await idle()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**16) as session:
        await {"export": export, "feed": feed}[what](session)


asyncio.run(main())

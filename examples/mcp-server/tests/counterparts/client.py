"""A client on the protocol's own SDK for Python: of a server at a URL, or of one that it starts."""

import asyncio
import os
import sys
import tempfile

import anyio
import httpx2
import peer
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

where = sys.argv[1]
over_http = where.startswith("http:")

# Every response of the server, and how it has ended: complete, broken, or left by the client, which has its answer.
responses = []


class Watched(httpx2.AsyncByteStream):
    def __init__(self, stream, seen):
        self.stream, self.seen = stream, seen

    async def __aiter__(self):
        try:
            async for part in self.stream:
                yield part
            self.seen["end"] = "complete"
        except httpx2.HTTPError:
            self.seen["end"] = "broken"
            raise

    async def aclose(self):
        if self.seen["end"] == "open":
            self.seen["end"] = "left"
        await self.stream.aclose()


class Transport(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        seen = {"method": request.method, "status": response.status_code, "end": "open"}
        responses.append(seen)
        response.stream = Watched(response.stream, seen)
        return response


# The SDK keeps the server that it starts to itself.
servers = []
open_process = anyio.open_process


async def remember(*args, **options):
    servers.append(await open_process(*args, **options))
    return servers[-1]


anyio.open_process = remember

stderr = tempfile.TemporaryFile("w+")
calls = {}


async def main():
    loop = asyncio.get_running_loop()
    if over_http:
        http = httpx2.AsyncClient(transport=Transport(), timeout=None)
        transport = streamable_http_client(where, http_client=http)
    else:
        server = StdioServerParameters(command=where, env=dict(os.environ))
        transport = stdio_client(server, errlog=stderr)
    async with Client(transport) as client:

        async def call(tool, arguments=None, id=None):
            try:
                meta = {"correlationId": id} if id else None
                result = await client.call_tool(tool, arguments or {}, meta=meta)
            except MCPError as error:
                return {"code": error.error.code, "message": error.error.message}
            text = result.content[0].text if result.content else None
            return {"text": text, "structured": result.structured_content, "failed": bool(result.is_error)}

        async def answer(ask, id=None, **rest):
            match ask:
                case "tools":
                    return sorted(tool.name for tool in (await client.list_tools()).tools)
                case "call":
                    return await call(id=id, **rest)
                case "begin":
                    calls[id] = asyncio.create_task(call(id=id, **rest))
                case "result":
                    return await calls[id]
                case "pid":
                    return servers[0].pid
                case "end" if over_http:
                    return {"responses": responses, "errors": []}
                case "end":
                    code = await servers[0].wait()
                    # A connection that has ended in order fails what is asked then, and has not failed before.
                    errors = [] if (await call("history")).get("code") else ["still open"]
                    stderr.seek(0)
                    code, signal = (code, None) if code >= 0 else (None, -code)
                    return {"code": code, "signal": signal, "stderr": stderr.read().split("\n"), "errors": errors}

        peer.serve(lambda **question: asyncio.run_coroutine_threadsafe(answer(**question), loop).result())
        await asyncio.Event().wait()  # to the end of the process


asyncio.run(main())

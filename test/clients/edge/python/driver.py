"""Python's clients: sessions in on standard input, what was seen out, a line of JSON each."""

import asyncio
import hashlib
import http.client
import json
import ssl
import sys
import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import httpx

TIMEOUT_SECONDS = 60
CHUNK_BYTES = 65_536
VERSIONS = {10: "1.0", 11: "1.1", "HTTP/1.1": "1.1", "HTTP/2": "2"}


def content_of(ask):
    """The content of an ask, in chunks where its length is not to be declared."""
    body = ask.get("body")
    if body is None:
        return None
    period = bytes(i * 7 % 251 for i in range(251))
    content = (period * (body["bytes"] // 251 + 1))[: body["bytes"]]
    if body["declared"]:
        return content
    return (content[i : i + CHUNK_BYTES] for i in range(0, len(content), CHUNK_BYTES))


def seen(status=0, version="", fields=(), content=b"", connection="", error=None):
    result = {
        "status": status,
        "version": version,
        "fields": [[name.lower(), value] for name, value in fields],
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "trailers": [],
        "interim": [],
        "connection": connection,
    }
    return result if error is None else {**result, "error": repr(error)}


def http_client(session):
    """http.client: one connection for what is asked in turn, one for each of what is at once."""

    def connect():
        url = urlsplit(session["url"])
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context(cafile=session["caFile"])
        return http.client.HTTPSConnection(
            url.hostname, url.port, timeout=TIMEOUT_SECONDS, context=context
        )

    def exchange(connection, ask):
        local = ""
        try:
            content = content_of(ask)
            connection.request(
                ask["method"],
                ask["path"],
                body=content,
                headers=ask.get("fields", {}),
                encode_chunked=ask.get("body") is not None and not ask["body"]["declared"],
            )
            local = str(connection.sock.getsockname())
            response = connection.getresponse()
            content = response.read()
            version = VERSIONS[response.version]
            return seen(response.status, version, response.getheaders(), content, local)
        except Exception as error:
            connection.close()
            return seen(connection=local, error=error)

    return in_order(session, connect, exchange)


def urllib_request(session):
    """urllib: a connection for each."""
    context = ssl.create_default_context(cafile=session["caFile"])

    def exchange(_, ask):
        request = urllib.request.Request(
            session["url"] + ask["path"],
            data=content_of(ask),
            headers=ask.get("fields", {}),
            method=ask["method"],
        )
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context)
        except urllib.error.HTTPError as error:
            response = error
        except Exception as error:
            return seen(error=error)
        try:
            with response:
                content = response.read()
            version = getattr(response, "version", None) or response.fp.version
            return seen(response.status, VERSIONS[version], response.getheaders(), content)
        except Exception as error:
            return seen(error=error)

    return in_order(session, lambda: None, exchange)


def in_order(session, connect, exchange):
    asks = session["asks"]
    if session["order"] == "in turn":
        connection = connect()
        results = [exchange(connection, ask) for ask in asks]
        if connection is not None:
            connection.close()
        return results
    results = [None] * len(asks)

    def work(index):
        connection = connect()
        results[index] = exchange(connection, asks[index])
        if connection is not None:
            connection.close()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


async def httpx_client(session, http2):
    """httpx, with h11 or h2."""
    context = ssl.create_default_context(cafile=session["caFile"])

    async def exchange(client, ask):
        content = content_of(ask)
        if content is not None and not isinstance(content, bytes):
            content = asynchronous(content)
        request = client.build_request(
            ask["method"],
            session["url"] + ask["path"],
            content=content,
            headers={"accept-encoding": "identity", **ask.get("fields", {})},
        )
        connection = ""
        try:
            response = await client.send(request, stream=True)
            stream = response.extensions["network_stream"]
            connection = str(stream.get_extra_info("client_addr"))
            body = b"".join([chunk async for chunk in response.aiter_raw()])
            await response.aclose()
            fields = response.headers.multi_items()
            return seen(
                response.status_code, VERSIONS[response.http_version], fields, body, connection
            )
        except httpx.HTTPError as error:
            return seen(connection=connection, error=error)

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        http1=not http2,
        http2=http2,
        verify=context,
        timeout=TIMEOUT_SECONDS,
        limits=limits,
        trust_env=False,
    ) as client:
        asks = session["asks"]
        if session["order"] == "at once":
            return await asyncio.gather(*(exchange(client, ask) for ask in asks))
        return [await exchange(client, ask) for ask in asks]


async def asynchronous(chunks):
    for chunk in chunks:
        yield chunk


CLIENTS = {
    "http.client": http_client,
    "urllib": urllib_request,
    "httpx": lambda session: asyncio.run(httpx_client(session, False)),
    "httpx h2": lambda session: asyncio.run(httpx_client(session, True)),
}

for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(CLIENTS[asked["client"]](asked)), flush=True)

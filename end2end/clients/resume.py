"""Follows a stream with httpx-sse and comes back after every break, at once, with the last id: resume.py URL

Prints each event as a line of JSON, with the number of the connection that brought it and the id that this was resumed after. Goes
on until it is ended.
"""

import itertools
import json
import sys
import time

import httpx
from httpx_sse import SSEError, connect_sse


def main(url: str) -> None:
    last_id = ""
    with httpx.Client(timeout=30) as client:
        for connection in itertools.count(1):
            after = last_id
            headers = {"Last-Event-ID": after} if after else {}
            try:
                with connect_sse(client, "GET", url, headers=headers) as source:
                    source.response.raise_for_status()
                    for event in source.iter_sse():
                        # By the standard, what has no data is no event.
                        if not event.data:
                            continue
                        last_id = event.id or last_id
                        line = {
                            "connection": connection,
                            "after": after,
                            "id": event.id,
                            "event": event.event,
                            "data": event.data,
                        }
                        print(json.dumps(line), flush=True)
            except (httpx.ConnectError, httpx.HTTPStatusError):
                # There is nobody, or nobody who knows the symbols yet.
                time.sleep(0.02)
            except (httpx.TransportError, SSEError):
                pass


main(sys.argv[1])

"""Follows a stream with httpx-sse, drops it, and resumes it after the last id: follow.py URL COUNT

Prints each event as a line of JSON, with the number of the connection that brought it.
"""

import json
import sys

import httpx
from httpx_sse import connect_sse


def main(url: str, count: int) -> None:
    last_id = ""
    with httpx.Client(timeout=30) as client:
        for connection in (1, 2):
            headers = {"Last-Event-ID": last_id} if last_id else {}
            with connect_sse(client, "GET", url, headers=headers) as source:
                source.response.raise_for_status()
                # httpx-sse also hands out a block without data, of which the server sends none.
                events = (event for event in source.iter_sse() if event.event != "heartbeat")
                for number, event in enumerate(events, start=1):
                    # A reader keeps the last id that it saw; an event without one leaves it as it is.
                    last_id = event.id or last_id
                    print(
                        json.dumps(
                            {
                                "connection": connection,
                                "id": event.id,
                                "event": event.event,
                                "data": event.data,
                            }
                        )
                    )
                    if number == count:
                        break


main(sys.argv[1], int(sys.argv[2]))

"""A chat client over sentseen.v1.json, written from docs/protocol.md alone.

    python chat_client.py URL TOKEN STATE_FILE

Takes one JSON object a line from standard input: {"send": {"user" or "conversation": ..., "text": ...}},
{"read": [conversation, seq]}, or {"drop": seconds} to lose the network for so long. Writes one a line for whatever happens.
"""

import asyncio
import base64
import json
import os
import random
import secrets
import sys
import time
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

AGAIN = {"rate_limited", "store_unavailable", "draining", "overloaded", "internal"}
STAY_AWAY = 4500


def uuid7() -> str:
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 7 << 76
    return str(uuid.UUID(int=number & ~(0x3 << 62) | 2 << 62))


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(content: str) -> str:
    return base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)).decode()


class Client:
    def __init__(self, url, token, path, tell):
        self.url, self.token, self.path, self.tell = url, token, path, tell
        self.state = {"device": str(uuid.uuid4()), "position": None, "seen": {}, "outbox": []}
        if os.path.exists(path):
            with open(path) as file:
                self.state = json.load(file)
        self.socket, self.in_flight, self.sent, self.ref = None, 0, {}, 0
        self.held = False  # a command was refused for now: the outbox goes on from it, when nothing is on its way
        self.offline_until, self.retry_after = 0, None

    def save(self):
        with open(self.path + ".new", "w") as file:
            json.dump(self.state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    async def run(self):
        bound = 0.5
        while True:
            await asyncio.sleep(max(0, self.offline_until - time.monotonic()))
            code, self.retry_after, welcomed = 1006, None, False
            try:
                protocols = ["sentseen.v1.json"]
                async with connect(self.url, subprotocols=protocols, compression=None, max_size=1 << 24) as self.socket:
                    device = {"id": self.state["device"], "platform": "python"}
                    hello = {"type": "hello", "token": self.token, "device": device}
                    if self.state["position"] is not None:
                        hello["position"] = self.state["position"]
                    await self.say(hello)
                    async for message in self.socket:
                        frames = json.loads(message)
                        for frame in frames if isinstance(frames, list) else [frames]:
                            welcomed = welcomed or frame["type"] == "welcome"
                            await self.take(frame)
                    code = self.socket.close_code or 1006
            except (WebSocketException, OSError):
                code = (self.socket and self.socket.close_code) or 1006
            self.socket, self.in_flight = None, 0
            self.tell({"event": "offline", "code": code})
            if code >= STAY_AWAY:
                return
            bound = 0.5 if welcomed else min(30, bound * 2)
            await asyncio.sleep(random.random() * bound if self.retry_after is None else self.retry_after / 1000)

    async def say(self, frame):
        await self.socket.send(json.dumps(frame))

    def reach(self, position):
        """The device has everything up to here; `gap` aside, that only grows."""
        if position is not None:
            self.state["position"] = max(self.state["position"] or 0, position)

    async def take(self, frame):
        kind = frame["type"]
        if kind == "welcome":
            self.in_flight, self.sent, self.held = frame["limits"]["in_flight"], {}, False
            if frame["gap"]:
                self.state["position"] = None
            await self.pump()
        elif kind in ("message", "change"):
            await self.entry(frame)
        elif kind == "synced":
            self.reach(frame["position"])
            self.save()
            self.tell({"event": "online"})
            await self.say({"type": "receipt", "position": self.state["position"]})
        elif kind == "ack":
            self.see(frame)
            self.answered(frame["id"], True)
            self.tell({"event": "sent", **{key: frame[key] for key in ("id", "conversation", "seq")}})
            await self.pump()
        elif kind == "error":
            self.retry_after = frame.get("retry_after", self.retry_after)
            if frame.get("id") in self.sent:
                again = frame["code"] in AGAIN
                self.held = self.held or again
                self.answered(frame["id"], not again)
                if not again:
                    self.tell({"event": "failed", "id": frame["id"], "code": frame["code"]})
                await self.pump()
        elif kind == "receipt":
            for mark in frame["watermarks"]:
                self.tell({"event": "watermark", **mark})
        elif kind == "goaway":
            self.in_flight, self.retry_after = 0, frame["retry_after"]

    def see(self, frame):
        """Notes an entry and its position together. Answers whether it is new."""
        seen = self.state["seen"].setdefault(frame["conversation"], [])
        new = frame["seq"] not in seen
        if new:
            seen.append(frame["seq"])
        self.reach(frame.get("position"))
        self.save()
        return new

    async def entry(self, frame):
        if self.see(frame):
            told = {key: frame[key] for key in ("type", "conversation", "seq", "sender")}
            detail = {"text": decode(frame["content"])} if frame["type"] == "message" else {"change": frame["change"]}
            self.tell({"event": "entry", **told, **detail})
        delivered = [[frame["conversation"], frame["seq"]]]
        await self.say({"type": "receipt", "position": self.state["position"], "delivered": delivered})

    def answered(self, id, for_good):
        self.sent.pop(id, None)
        if for_good:
            self.state["outbox"] = [command for command in self.state["outbox"] if command["id"] != id]
            self.save()

    async def pump(self):
        """Sends what may be sent: in order, a bounded number, nothing past a command that was refused for now."""
        if self.held and not self.sent and self.in_flight > 0:
            await asyncio.sleep((self.retry_after or 500) / 1000)
            self.held = False
        if self.held or self.socket is None:
            return
        for command in self.state["outbox"][: self.in_flight]:
            if command["id"] not in self.sent:
                self.ref += 1
                self.sent[command["id"]] = self.ref
                await self.say({**command, "ref": self.ref})

    async def order(self, line):
        if "send" in line:
            to = {key: value for key, value in line["send"].items() if key != "text"}
            content = encode(line["send"]["text"])
            command = {"type": "send", "id": uuid7(), **to, "content_type": "text", "content": content}
            self.state["outbox"].append(command)
            self.save()
            self.tell({"event": "queued", "id": command["id"]})
            await self.pump()
        elif "read" in line and self.socket is not None:
            await self.say({"type": "receipt", "read": [line["read"]]})
        elif "drop" in line and self.socket is not None:
            self.offline_until = time.monotonic() + line["drop"]
            self.socket.transport.abort()


async def main(url, token, path):
    client = Client(url, token, path, lambda event: print(json.dumps(event), flush=True))

    async def orders():
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            try:
                await client.order(json.loads(line))
            except WebSocketException:
                pass  # it stays in the outbox

    running = [asyncio.ensure_future(client.run()), asyncio.ensure_future(orders())]
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


asyncio.run(main(*sys.argv[1:]))

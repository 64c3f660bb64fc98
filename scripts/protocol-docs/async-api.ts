import { JSON_TEXT, MSGPACK } from "../../src/protocol/index.js";
import { type Schema, SIDES } from "./json-schema.js";

/** The protocol as an AsyncAPI 3 document. Payloads are those of the JSON Schema beside it. */
export function asyncApi(): Schema {
  const names = Object.entries(SIDES).flatMap(([side, table]) =>
    Object.entries(table).map(([type, { about }]) => ({ side, type, about, name: `${side}.${type}` })),
  );
  const messagesOf = (wanted: string) =>
    names.filter(({ side }) => side === wanted).map(({ name }) => ({ $ref: `#/channels/chat/messages/${name}` }));
  return {
    asyncapi: "3.0.0",
    info: {
      title: "sentseen",
      version: "1",
      description:
        `Chat over one WebSocket. Sub-protocols: ${MSGPACK} and ${JSON_TEXT}; the payloads here are those of the latter. ` +
        "What the frames mean, in which order they come and what to repeat is told in docs/protocol.md.",
    },
    defaultContentType: "application/json",
    servers: {
      local: {
        host: "127.0.0.1:8080",
        protocol: "ws",
        description: "A server on the same machine. Use wss wherever the connection leaves it.",
      },
    },
    channels: {
      chat: {
        address: "/chat",
        description: "The path is the host's choice; this is the default.",
        messages: Object.fromEntries(
          names.map(({ name }) => [name, { $ref: `#/components/messages/${name}` }] as const),
        ),
        bindings: {
          ws: {
            method: "GET",
            headers: {
              type: "object",
              properties: { "Sec-WebSocket-Protocol": { type: "string", enum: [MSGPACK, JSON_TEXT] } },
              required: ["Sec-WebSocket-Protocol"],
            },
          },
        },
      },
    },
    operations: {
      fromClients: {
        action: "receive",
        channel: { $ref: "#/channels/chat" },
        summary: "What the server takes from its clients.",
        messages: messagesOf("client"),
      },
      toClients: {
        action: "send",
        channel: { $ref: "#/channels/chat" },
        summary: "What the server sends.",
        messages: messagesOf("server"),
      },
    },
    components: {
      messages: Object.fromEntries(
        names.map(({ name, type, about }) => [
          name,
          { name: type, summary: about, payload: { $ref: `./protocol.schema.json#/$defs/${name}` } },
        ]),
      ),
    },
  };
}

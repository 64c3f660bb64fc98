import { memory } from "sentseen/memory";
import type { ConnectionRegistry, NodeHandlers, NodeSession } from "sentseen/ports";
import { fakeClock, registryContract } from "sentseen/testing";
import { describe, expect, test } from "vitest";
import { failures } from "./contract-failures.js";

type Session = (sound: NodeSession, server_id: string) => Partial<NodeSession>;

/** Each breaks one promise of the port; the name says which. */
const DEFECTS: Record<string, (sound: ConnectionRegistry) => Partial<ConnectionRegistry>> = {
  "lets an old connection take out the newer one": (sound) =>
    joining(sound, (session) => ({
      unregister: async (entry) => {
        for (const newer of (await sound.lookup([entry.user]))[0] ?? []) {
          if (newer.device_id === entry.device_id) await session.unregister(newer);
        }
      },
    })),
  "answers the entries of nodes that have vanished": (sound) => {
    const entered = new Map<string, Awaited<ReturnType<ConnectionRegistry["lookup"]>>[number]>();
    return {
      ...joining(sound, (session) => ({
        register: async (connection) => {
          const answer = await session.register(connection);
          entered.set(connection.user, (await sound.lookup([connection.user]))[0] ?? []);
          return answer;
        },
      })),
      lookup: async (users) => {
        const live = await sound.lookup(users);
        return users.map((user, index) => {
          const here = live[index] ?? [];
          const gone = (entered.get(user) ?? []).filter(
            (old) => !here.some((entry) => entry.device_id === old.device_id),
          );
          return [...here, ...gone];
        });
      },
    };
  },
  "answers users in an order of its own": (sound) => ({ lookup: (users) => sound.lookup([...users].sort()) }),
  "answers only the first of a user's devices": (sound) => ({
    lookup: async (users) => (await sound.lookup(users)).map((entries) => entries.slice(0, 1)),
  }),
  "leaves out users who are away": (sound) => ({
    lookup: async (users) => (await sound.lookup(users)).filter((entries) => entries.length > 0),
  }),
  "counts generations on each node by itself": (sound) => {
    return joining(sound, (session) => {
      let generation = 0;
      return {
        register: async (connection) => {
          const { entry, replaced } = await session.register(connection);
          return { entry: { ...entry, generation: ++generation }, replaced };
        },
      };
    });
  },
  "never names the connection that was replaced": (sound) =>
    joining(sound, (session) => ({
      register: async (connection) => ({ ...(await session.register(connection)), replaced: null }),
    })),
  "keeps the entries of a node that has left": (sound) => joining(sound, () => ({ leave: async () => {} })),
  "loses bytes between nodes": (sound) =>
    joining(sound, (session) => {
      let sent = 0;
      return {
        send: async (server_id, bytes) => (sent++ % 50 === 49 ? true : session.send(server_id, bytes)),
      };
    }),
  "reorders bytes between nodes": (sound) =>
    joining(sound, (session) => {
      let sent = 0;
      return {
        send: async (server_id, bytes) => {
          if (sent++ % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          return session.send(server_id, bytes);
        },
      };
    }),
  "says that it sent to a node that is gone": (sound) =>
    joining(sound, (session) => ({
      send: async (server_id, bytes) => {
        await session.send(server_id, bytes);
        return true;
      },
    })),
  "doesn't bring a topic to its publisher": (sound) => {
    const publishing = new Set<string>();
    return {
      join: (server_id, handlers) =>
        joined(
          sound,
          server_id,
          (topic) => !publishing.has(`${server_id} ${topic}`),
          handlers,
          (session) => ({
            publish: async (topic, bytes) => {
              publishing.add(`${server_id} ${topic}`);
              await session.publish(topic, bytes);
            },
          }),
        ),
    };
  },
  "goes on bringing a topic that is watched no more": (sound) => joining(sound, () => ({ unwatch: async () => {} })),
  "brings topics that nobody here watches": (sound) =>
    joining(sound, (session) => ({
      watch: async (topic) => {
        await session.watch(topic);
        await session.watch(topic.endsWith("x") ? topic.slice(0, -1) : topic);
      },
    })),
  "hands on views of memory that its senders use again": (sound) => ({
    join: async (server_id, handlers) => {
      const views: Uint8Array[] = [];
      const session = await sound.join(server_id, handlers);
      return {
        ...bound(session),
        send: async (to, bytes) => {
          views.push(bytes);
          await new Promise((resolve) => setTimeout(resolve, 1));
          return session.send(to, views.shift() as Uint8Array);
        },
        publish: (topic, bytes) => {
          setTimeout(() => void session.publish(topic, bytes), 1);
          return Promise.resolve();
        },
      };
    },
  }),
  "lets a node that throws lose the rest": (sound) => ({
    join: (server_id, handlers) => {
      let broken = false;
      return sound.join(server_id, {
        topic: (topic, bytes) => handlers.topic(topic, bytes),
        lost: () => handlers.lost(),
        message: (bytes) => {
          if (broken) return;
          try {
            handlers.message(bytes);
          } catch {
            broken = true;
          }
        },
      });
    },
  }),
};

function joining(sound: ConnectionRegistry, change: Session): Partial<ConnectionRegistry> {
  return { join: (server_id, handlers) => joined(sound, server_id, () => true, handlers, change) };
}

async function joined(
  sound: ConnectionRegistry,
  server_id: string,
  wanted: (topic: string) => boolean,
  handlers: NodeHandlers,
  change: Session,
): Promise<NodeSession> {
  const session = await sound.join(server_id, {
    message: (bytes) => handlers.message(bytes),
    topic: (topic, bytes) => {
      if (wanted(topic)) handlers.topic(topic, bytes);
    },
    lost: () => handlers.lost(),
  });
  return { ...bound(session), ...change(session, server_id) };
}

function bound(session: NodeSession): NodeSession {
  return {
    register: (connection) => session.register(connection),
    unregister: (entry) => session.unregister(entry),
    send: (server_id, bytes) => session.send(server_id, bytes),
    watch: (topic) => session.watch(topic),
    unwatch: (topic) => session.unwatch(topic),
    publish: (topic, bytes) => session.publish(topic, bytes),
    leave: () => session.leave(),
  };
}

function suite(defect: (sound: ConnectionRegistry) => Partial<ConnectionRegistry>) {
  return failures((declare) =>
    registryContract(
      declare,
      async () => {
        const clock = fakeClock();
        const { registry } = memory({ now: clock.now });
        await registry.open();
        return {
          adapter: {
            contract: registry.contract,
            scope: registry.scope,
            open: () => registry.open(),
            close: () => registry.close(),
            join: (server_id, handlers) => registry.join(server_id, handlers),
            lookup: (users) => registry.lookup(users),
            ...defect(registry),
          },
          vanish: async (server_id) => {
            registry.silence(server_id);
            clock.advance(30_001);
          },
          end: () => registry.close(),
        };
      },
      { patienceMs: 500 },
    ),
  );
}

describe("the registry contract tells a broken registry from a sound one", () => {
  test("a sound one passes", async () => {
    expect(await suite(() => ({}))).toEqual([]);
  });

  test.each(Object.entries(DEFECTS))("one that %s fails", async (_, defect) => {
    expect(await suite(defect)).not.toEqual([]);
  });
});

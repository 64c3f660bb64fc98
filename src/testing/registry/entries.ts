import assert from "node:assert/strict";
import { live, Node, type RegistryClause, some, withoutBeat } from "./subject.js";

export const entryClauses: readonly RegistryClause[] = [
  {
    name: "a connection that was entered is found by whoever looks, with its node and a recent heartbeat",
    async check({ adapter, other = adapter }) {
      const node = await Node.join(adapter);
      const [user, device_id] = [some("user"), some("device")];
      const { entry, replaced } = await node.session.register({ user, device_id, connection_id: 7 });
      assert.equal(replaced, null);
      assert.deepEqual(
        { ...entry, generation: 0 },
        { user, device_id, connection_id: 7, server_id: node.id, generation: 0 },
      );
      assert.deepEqual(await live(adapter, user), [entry]);
      assert.deepEqual(await live(other, user), [entry]);
      const [[found] = []] = await other.lookup([user]);
      assert.ok(typeof found?.last_heartbeat === "number" && found.last_heartbeat > 0);
    },
  },
  {
    name: "users are answered in the order asked for, with none for those who are away, however many they are",
    async check({ adapter, other = adapter }) {
      const node = await Node.join(adapter);
      const users = Array.from({ length: 500 }, (_, index) => some(`user ${index}`));
      const here = users.filter((_, index) => index % 3 === 0);
      await Promise.all(here.map((user) => node.register(user, some("device"))));
      const found = await other.lookup(users);
      assert.deepEqual(
        found.map((entries) => entries.map((entry) => entry.user)),
        users.map((user, index) => (index % 3 === 0 ? [user] : [])),
      );
      assert.deepEqual(await adapter.lookup([]), []);
    },
  },
  {
    name: "a user's devices are entered side by side, on whatever node",
    async check({ adapter, other = adapter }) {
      const [one, two] = [await Node.join(adapter), await Node.join(other)];
      const user = some("user");
      const entries = [
        await one.register(user, some("phone")),
        await two.register(user, some("laptop")),
        await one.register(user, some("tablet")),
      ];
      assert.deepEqual(await live(adapter, user), entries);
    },
  },
  {
    name: "generations grow with every connection that a device makes, on whatever node",
    async check({ adapter, other = adapter }) {
      const nodes = [await Node.join(adapter), await Node.join(other)];
      const [user, device] = [some("user"), some("device")];
      let last = Number.NEGATIVE_INFINITY;
      for (let round = 0; round < 6; round++) {
        const node = nodes[round % 2] as Node;
        const entry = await node.register(user, device, round);
        assert.ok(entry.generation > last, `generation ${entry.generation} came after ${last}`);
        last = entry.generation;
        if (round % 3 === 2) await node.session.unregister(entry);
      }
    },
  },
  {
    name: "a newer connection of a device takes the older one's place and names it",
    async check({ adapter, other = adapter }) {
      const [one, two] = [await Node.join(adapter), await Node.join(other)];
      const [user, device_id] = [some("user"), some("device")];
      const old = await one.register(user, device_id, 1);
      const { entry, replaced } = await two.session.register({ user, device_id, connection_id: 2 });
      assert.deepEqual(replaced, old);
      assert.deepEqual(await live(adapter, user), [entry]);
      const same = await two.session.register({ user, device_id, connection_id: 3 });
      assert.deepEqual(same.replaced, entry);
      assert.deepEqual(await live(other, user), [same.entry]);
    },
  },
  {
    name: "taking out an entry leaves a newer one of the same device, and may be repeated",
    async check({ adapter, other = adapter }) {
      const [one, two] = [await Node.join(adapter), await Node.join(other)];
      const [user, device] = [some("user"), some("device")];
      const old = await one.register(user, device, 1);
      const fresh = await two.register(user, device, 2);
      for (let times = 0; times < 2; times++) {
        await one.session.unregister(old);
        assert.deepEqual(await live(adapter, user), [fresh]);
      }
      for (let times = 0; times < 2; times++) {
        await two.session.unregister(fresh);
        assert.deepEqual(await live(adapter, user), []);
      }
      const { replaced } = await one.session.register({ user, device_id: device, connection_id: 3 });
      assert.equal(replaced, null, "an entry that was taken out is replaced by none");
    },
  },
  {
    name: "of connections that a device makes at once the greatest generation stays, and each other is named once",
    async check({ adapter, other = adapter }) {
      const nodes = [await Node.join(adapter), await Node.join(other), await Node.join(adapter)];
      const [user, device_id] = [some("user"), some("device")];
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          (nodes[index % 3] as Node).session.register({ user, device_id, connection_id: index }),
        ),
      );
      const generations = results.map(({ entry }) => entry.generation).sort((a, b) => a - b);
      assert.equal(new Set(generations).size, 12, "a generation was given twice");
      const winner = results.find(({ entry }) => entry.generation === generations.at(-1))?.entry;
      assert.deepEqual(await live(adapter, user), [winner]);
      const named = results.flatMap(({ replaced }) => (replaced === null ? [] : [replaced.generation]));
      assert.deepEqual(
        named.sort((a, b) => a - b),
        generations.slice(0, -1),
      );
      // The sockets of those that lost close now, in any order: the winner must stay.
      await Promise.all(
        results.map(({ entry }, index) =>
          entry === winner ? undefined : (nodes[index % 3] as Node).session.unregister(entry),
        ),
      );
      assert.deepEqual(await live(other, user), [winner]);
    },
  },
  {
    name: "a node that leaves takes its own entries along and no other's, at once",
    async check({ adapter, other = adapter }) {
      const [one, two] = [await Node.join(adapter), await Node.join(other)];
      const user = some("user");
      const moved = some("moved");
      await one.register(user, some("phone"));
      await one.register(user, moved, 1);
      const stays = [await two.register(user, some("laptop")), await two.register(user, moved, 2)];
      await one.session.leave();
      await one.session.leave();
      assert.deepEqual(await live(other, user), stays);
    },
  },
  {
    name: "the entries of a node that stopped beating are answered no more, and those of others are",
    needs: ["vanishing"],
    async check({ adapter, other = adapter, vanish }) {
      assert.ok(vanish, "a fixture without vanish must declare that it lacks vanishing");
      const [dead, alive] = [await Node.join(adapter), await Node.join(other)];
      const [user, device] = [some("user"), some("device")];
      const gone = await dead.register(user, device, 1);
      const stays = await alive.register(user, some("laptop"));
      await vanish(dead.id);
      assert.deepEqual(await live(other, user), [stays]);
      assert.equal(await alive.session.send(dead.id, new Uint8Array(1)), false, "a vanished node is known to be gone");
      const fresh = await alive.register(user, device, 2);
      assert.ok(fresh.generation > gone.generation, "a generation went back when its node vanished");
      const [found = []] = await other.lookup([user]);
      assert.deepEqual(
        found.map(withoutBeat).sort((a, b) => a.generation - b.generation),
        [stays, fresh],
      );
    },
  },
  {
    name: "close is idempotent",
    async check({ adapter }) {
      await Node.join(adapter);
      await adapter.close();
      await adapter.close();
    },
  },
];

import type { Receipt } from "../../model/receipt.js";
import type { DeviceRow, Write } from "../../ports/storage.js";
import { assertSame, type StorageClause, someId, someone, text } from "./subject.js";

function receipt(conversation: string, user: string, delivered: number, read: number): Receipt {
  return { conversation, user, delivered, read };
}

function put(row: Receipt): Write {
  return { kind: "receipt", ...row };
}

function device(user: string, position: number, seen_at: number, id = someId()): DeviceRow {
  return { user, device: id, position, seen_at, value: text(`seen at ${seen_at}`) };
}

function enter(row: DeviceRow): Write {
  return { kind: "device", ...row, expires_at: null };
}

function byDevice(rows: readonly DeviceRow[]): DeviceRow[] {
  return [...rows].sort((one, other) => (one.device < other.device ? -1 : 1));
}

function byUser(rows: readonly Receipt[]): Receipt[] {
  return [...rows].sort((one, other) => (one.user < other.user ? -1 : 1));
}

export const peopleClauses: readonly StorageClause[] = [
  {
    name: "watermarks each keep their greatest value, in whatever order they land",
    async check({ adapter }) {
      const [id, user] = [someId(), someone()];
      for (const [delivered, read] of [
        [3, 1],
        [7, 2],
        [5, 4],
        [1, 0],
        [7, 2],
      ] as const) {
        await adapter.write([put(receipt(id, user, delivered, read))]);
      }
      assertSame(await adapter.receipts([id]), [[receipt(id, user, 7, 4)]]);
    },
  },
  {
    name: "the watermarks of all users come for each conversation in the order asked for",
    async check({ adapter }) {
      const [one, two, none] = [someId(), someId(), someId()];
      const users = [someone("a"), someone("b"), "ü", "x".repeat(128)];
      await adapter.write([
        ...users.map((user, index) => put(receipt(one, user, 10 + index, index))),
        put(receipt(two, "ü", 1, 1)),
      ]);
      const found = await adapter.receipts([two, none, one]);
      assertSame(found.slice(0, 2), [[receipt(two, "ü", 1, 1)], []]);
      assertSame(byUser(found[2] ?? []), byUser(users.map((user, index) => receipt(one, user, 10 + index, index))));
      assertSame(await adapter.receipts([]), []);
    },
  },
  {
    name: "a device keeps its greatest position and the rest from when it was seen last",
    async check({ adapter }) {
      const user = someone();
      const id = someId();
      const first = device(user, 100, 5_000, id);
      const second = device(user, 50, 9_000, id);
      for (const order of [
        [first, second],
        [second, first],
        [first, second, first],
      ]) {
        for (const row of order) await adapter.write([enter(row)]);
        assertSame(await adapter.devices(user), [{ ...second, position: 100 }]);
        await adapter.write([{ kind: "device_removed", user, device: id }]);
      }
    },
  },
  {
    name: "the devices of a user are that user's alone",
    async check({ adapter }) {
      const user = someone();
      const mine = [device(user, 1, 1), device(user, 2, 2), device(user, 3, 3)];
      const shared = mine[0]?.device as string;
      const others = [device(`${user}x`, 7, 7, shared), device(someone(), 8, 8, shared)];
      await adapter.write([...mine, ...others].map(enter));
      assertSame(byDevice(await adapter.devices(user)), byDevice(mine));
      assertSame(await adapter.devices(`${user}x`), [others[0]]);
      assertSame(await adapter.devices(someone()), []);
    },
  },
  {
    name: "a removed device is gone with all its states, and no other with it",
    async check({ adapter }) {
      const user = someone();
      const [gone, stays] = [device(user, 1, 1), device(user, 2, 2)];
      const key = (row: DeviceRow, partition: number) => ({ partition, user: row.user, device: row.device });
      const keys = [key(gone, 0), key(gone, 7), key(stays, 0)];
      const states = keys.map((at): Write => ({ kind: "device_state", ...at, value: text("state"), offset: 1 }));
      await adapter.write([enter(gone), enter(stays), ...states]);
      for (let times = 0; times < 2; times++) {
        await adapter.write([{ kind: "device_removed", user, device: gone.device }]);
        assertSame(await adapter.devices(user), [stays]);
        assertSame(await adapter.deviceStates(keys), [null, null, { value: text("state"), offset: 1 }]);
      }
      await adapter.write([{ kind: "device_removed", user: someone(), device: stays.device }]);
      assertSame(await adapter.devices(user), [stays], "a device of another user with the same id is another device");
    },
  },
  {
    name: "a removed device can be entered again and starts with what it is given then",
    async check({ adapter }) {
      const user = someone();
      const id = someId();
      await adapter.write([enter(device(user, 900, 9_000, id))]);
      await adapter.write([{ kind: "device_removed", user, device: id }]);
      const again = device(user, 10, 1_000, id);
      await adapter.write([enter(again)]);
      assertSame(await adapter.devices(user), [again]);
    },
  },
];

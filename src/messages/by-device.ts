import type { UserId, Uuid } from "../model/ids.js";

/**
 * Things held by user and device. Two look-ups with ids whose hashes are known already cost a quarter of one with a
 * joined key, which would have to be made and hashed for each message.
 */
export class ByDevice<T> {
  size = 0;
  private readonly users = new Map<UserId, Map<Uuid, T>>();

  get(user: UserId, device: Uuid): T | undefined {
    return this.users.get(user)?.get(device);
  }

  set(user: UserId, device: Uuid, value: T): void {
    let devices = this.users.get(user);
    if (devices === undefined) {
      devices = new Map();
      this.users.set(user, devices);
    }
    const before = devices.size;
    devices.set(device, value);
    this.size += devices.size - before;
  }

  delete(user: UserId, device: Uuid): void {
    const devices = this.users.get(user);
    if (devices?.delete(device) !== true) return;
    this.size--;
    if (devices.size === 0) this.users.delete(user);
  }

  /** All of them, those of the users first held first. */
  *values(): IterableIterator<T> {
    for (const devices of this.users.values()) yield* devices.values();
  }
}

import { within } from "../link/within.js";

/** The client that connections are made after: the user's, or a node of the user's cluster, found when it is needed. */
export class Template<Client> {
  readonly #find: () => Promise<Client>;
  #found: Promise<Client> | null = null;

  constructor(find: () => Promise<Client>) {
    this.#find = find;
  }

  /** Where it can't be found, or what is made of it fails, it is looked for anew the next time. */
  async use<T>(timeoutMs: number, make: (client: Client) => Promise<T>): Promise<T> {
    this.#found ??= this.#find();
    try {
      return await make(await within(this.#found, timeoutMs, "Finding a server of the cluster"));
    } catch (error) {
      this.#found = null;
      throw error;
    }
  }
}

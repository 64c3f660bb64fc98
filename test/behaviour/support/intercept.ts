/** Something that is run instead of a method: it may run it, later or never, and answer for it. */
export type Around = (method: string, args: readonly unknown[], run: () => unknown) => unknown;

/** An object like `target`, whose methods are called through `around`. */
export function intercept<T extends object>(target: T, around: Around): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => around(String(name), args, () => Reflect.apply(value, target, args));
    },
  });
}

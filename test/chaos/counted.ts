/** The same object, with how often each of its methods was called. */
export function counted<T extends object>(target: T): { readonly same: T; readonly calls: Record<string, number> } {
  const calls: Record<string, number> = {};
  const same = new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls[String(key)] = (calls[String(key)] ?? 0) + 1;
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { same, calls };
}

/**
 * Values by name, as a state holds them: an object, since that is JSON. Beside each object stands a map of the same, in which a
 * name is found, and all are gone through, at a fraction of the cost; laid out anew where an object comes from a checkpoint.
 *
 * Pure. Names come from outside: `__proto__` is one like any other. What is put in or taken out here is so in both.
 */
const ofOwn = { enumerable: true, writable: true, configurable: true }

export class NamedValues<Value extends object> {
  readonly #maps = new WeakMap<Record<string, Value>, Map<string, Value>>()

  of(values: Record<string, Value>): ReadonlyMap<string, Value> {
    return this.#mapOf(values)
  }

  set(values: Record<string, Value>, name: string, value: Value): void {
    this.#mapOf(values).set(name, value)
    // Of all names this alone would not be put in by a plain write, which takes a tenth of the time.
    if (name === '__proto__') Object.defineProperty(values, name, { value, ...ofOwn })
    else values[name] = value
  }

  delete(values: Record<string, Value>, name: string): void {
    this.#mapOf(values).delete(name)
    Reflect.deleteProperty(values, name)
  }

  #mapOf(values: Record<string, Value>): Map<string, Value> {
    let map = this.#maps.get(values)
    if (map === undefined) this.#maps.set(values, (map = new Map(Object.entries(values))))
    return map
  }
}

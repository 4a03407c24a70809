/** What counts as a value, and as a text: `null`, absent and empty are one and the same. */

/** Value or none: what expressions pass on. */
export function present(value: unknown): unknown {
  return value === null || value === '' ? undefined : value
}

/** A scalar as text; objects and lists are none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** The services by name, in the order that data flows: what `run` accepts and `up` runs all of. */

export const serviceNames = [
  'collect',
  'normalize',
  'detect',
  'meter',
  'correlate',
  'respond',
  'licensing',
  'authorize',
  'indexer',
  'schedule',
  'console',
] as const
export type ServiceName = (typeof serviceNames)[number]

/** Those that the search index is made for. */
const indexed: ReadonlySet<string> = new Set(['indexer', 'schedule', 'console'])
/** Those whose stages have a use for connectors. */
const connected: ReadonlySet<string> = new Set(['respond'])

export const needsIndex = (names: readonly ServiceName[]): boolean => names.some((name) => indexed.has(name))
export const needsConnectors = (names: readonly ServiceName[]): boolean => names.some((name) => connected.has(name))
export const answersGateways = (names: readonly ServiceName[]): boolean =>
  (names as readonly string[]).includes('authorize')

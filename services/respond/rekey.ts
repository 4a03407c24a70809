/** Whose records respond's state belongs to: its log is keyed by tenant. */
import type { Policy } from '../../core/effect.ts'
import type { Dealt, Entries, Home, Rekey } from '../../runtime/stage/rekey.ts'
import type { ActionEntry, IncidentEntry, RunEntry, Timer } from './book.ts'
import type { IncidentBrief } from './incident-brief.ts'

/** Lists of actions' ids. */
const idLists: ReadonlySet<string> = new Set(['open', 'held', 'watched'])

export const respondRekey: Rekey = {
  deal(key, value, entries) {
    if (idLists.has(key)) return partsOf(key, value as readonly string[], (id) => tenantOfAction(entries, id))
    if (key === 'timers') return partsOf(key, value as readonly Timer[], ({ id }) => tenantOfAction(entries, id))
    const home = homeOf(key, value, entries)
    return [{ home, key, value }]
  },
  join(key, values) {
    if (key === 'stopped') return values.some((stopped) => stopped === true)
    if (key === 'policy') return (values as readonly Policy[]).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0]
    const all = (values as readonly (readonly unknown[])[]).flat()
    if (key === 'timers') return (all as Timer[]).sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1))
    return all
  },
}

function homeOf(key: string, value: unknown, entries: Entries): Home {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  switch (key.slice(0, slash + 1)) {
    case 'incident/':
      return { logKey: (value as IncidentEntry).incident.tenant }
    case 'parked/':
      return { logKey: (value as IncidentBrief).tenant }
    case 'run/':
      return { logKey: (value as RunEntry).tenant }
    case 'action/':
      return { logKey: (value as ActionEntry).action.tenant }
    case 'caps/':
      return { logKey: name }
    case 'superseded/': {
      const heir = entries.get(`incident/${value as string}`) as IncidentEntry | undefined
      return heir === undefined ? 'everywhere' : { logKey: heir.incident.tenant }
    }
    case 'playbook/':
      return 'everywhere'
    default:
      // Bounds and the global stop hold everywhere; when it was pruned last is the partition's own.
      return key === 'policy' || key === 'stopped' ? 'everywhere' : 'here'
  }
}

function tenantOfAction(entries: Entries, id: string): string | undefined {
  const action = entries.get(`action/${id}`) as ActionEntry | undefined
  return action?.action.tenant ?? (entries.get(`run/${id}`) as RunEntry | undefined)?.tenant
}

/** A list, each thing on it with its tenant. What it names is gone: so may it. */
function partsOf<T>(key: string, list: readonly T[], tenantOf: (item: T) => string | undefined): readonly Dealt[] {
  const parts = Map.groupBy(list, tenantOf)
  return [...parts].flatMap(([tenant, value]) =>
    tenant === undefined ? [] : [{ home: { logKey: tenant }, key, value }],
  )
}

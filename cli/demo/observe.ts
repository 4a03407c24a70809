/** What the live system says while the demo runs: the last version of every incident and action, as they come. */
import type { Action } from '../../core/action.ts'
import type { Effect } from '../../core/effect.ts'
import type { Incident } from '../../core/incident.ts'
import type { Bus, BusRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'

export interface Observed {
  readonly incidents: ReadonlyMap<string, Incident>
  readonly actions: ReadonlyMap<string, Action>
  /** Resolves when this holds, looked at after every change; false where it does not within the time. */
  until(holds: () => boolean, withinMs: number): Promise<boolean>
  stop(): Promise<void>
}

/** Follows incidents and effects from now on; `opened` is told of each incident once. */
export async function observe(bus: Bus, opened: (incident: Incident) => void): Promise<Observed> {
  const incidents = new Map<string, Incident>()
  const actions = new Map<string, Action>()
  const watchers = new Set<() => void>()
  const changed = (): void => {
    for (const watcher of [...watchers]) watcher()
  }
  const onIncidents = await bus.follow(topics.incidents, (batch) => {
    for (const incident of valuesOf<Incident>(batch)) {
      if (!incidents.has(incident.id)) opened(incident)
      incidents.set(incident.id, incident)
    }
    changed()
  })
  const onEffects = await bus.follow(topics.effects, (batch) => {
    for (const effect of valuesOf<Effect>(batch)) {
      if (effect.kind === 'action') actions.set(effect.action.id, effect.action)
    }
    changed()
  })
  return {
    incidents,
    actions,
    until: (holds, withinMs) =>
      new Promise((resolve) => {
        const end = (held: boolean): void => {
          clearTimeout(timer)
          watchers.delete(look)
          resolve(held)
        }
        const look = (): void => {
          if (holds()) end(true)
        }
        const timer = setTimeout(() => end(false), withinMs)
        watchers.add(look)
        look()
      }),
    stop: async () => {
      await Promise.all([onIncidents.stop(), onEffects.stop()])
    },
  }
}

/** Written by our own services a moment ago: trusted to have their form. */
function valuesOf<T>(batch: readonly BusRecord[]): T[] {
  return batch
    .filter((record) => record.value !== null && record.headers[headers.control] === undefined)
    .map((record) => JSON.parse(record.value!.toString('utf8')) as T)
}

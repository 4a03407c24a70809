/**
 * What a run of the pipeline has come to, in a form in which two runs can be compared: final versions, without what names
 * the moment or the place at which they were made.
 */
import type { Action } from '../../../core/action.ts'
import type { Bus } from '../../../core/ports/bus.ts'
import type { Event } from '../../../core/event.ts'
import type { Incident } from '../../../core/incident.ts'
import type { Signal } from '../../../core/signal.ts'
import { headers, topics } from '../../../core/topics.ts'

export interface Outcome {
  readonly events: readonly string[]
  readonly deadLetters: readonly string[]
  /** Of rules whose findings don't depend on arrival, what stands in the end (how often a finding was revised or withdrawn on
   * the way there does): everything about them that is not a moment or a place. */
  readonly signals: Readonly<Record<string, unknown>>
  /** Of detectors that act on arrival: which group was found by which. */
  readonly detections: readonly string[]
  /** Those that stand in the end; provisional ones that were merged into them on the way are a matter of moments. */
  readonly incidents: Readonly<Record<string, unknown>>
  /** Instants of the signals above, and of the incidents that rest on such signals alone, by id. */
  readonly times: Readonly<Record<string, Instants>>
  /**
   * What was done about each incident in the end, with its state. An incident that was merged counts as the one that it
   * became: whether a playbook saw it before, and acted twice, is a matter of moments, not of kills.
   */
  readonly actions: readonly string[]
  /** Actions that told the receiver something, each once. */
  readonly told: number
  readonly credentials: Readonly<Record<string, string>>
}

export async function outcomeOf(bus: Bus): Promise<Outcome> {
  const events = await all<Event>(bus, topics.events)
  const signals = last((await all<Signal>(bus, topics.signals)).filter((each) => 'rule' in each))
  const incidents = last(await all<Incident>(bus, topics.incidents))
  const effects = await all<{ kind: string; action: Action }>(bus, topics.effects)
  const actions = last(effects.filter(({ kind }) => kind === 'action').map(({ action }) => action))
  const licenses = await all<{ kind: string; credential?: { id: string }; state?: string }>(bus, topics.licenses)
  const letters = await all<{ stage: string; code: string; sha256: string }>(bus, topics.deadLetters)
  return {
    events: sorted(events.map((event) => `${event.event.id} ${event.event.hash ?? ''}`)),
    deadLetters: sorted(letters.map(({ stage, code, sha256 }) => `${stage} ${code} ${sha256}`)),
    signals: Object.fromEntries(
      [...signals]
        .filter(([, each]) => each.rule.kind === 'sigma' && each.status === 'open')
        .map(([id, each]) => [id, signalWords(each)]),
    ),
    detections: sorted(
      [...signals.values()]
        .filter((each) => each.rule.kind === 'behavior' && each.status === 'open')
        .map((each) => `${each.rule.id} ${JSON.stringify(each.entities)}`),
    ),
    incidents: Object.fromEntries(
      [...incidents]
        .filter(([, { status }]) => status !== 'merged' && status !== 'retracted')
        .map(([id, each]) => [id, incidentWords(each)]),
    ),
    times: instantsOf(signals, incidents),
    actions: sorted(
      [...actions.values()].map(
        ({ incidentId, playbook, step, target, state }) =>
          `${becameOf(incidentId, incidents)} ${playbook.id} ${step} ${target} ${state}`,
      ),
    ),
    told: [...actions.values()].filter(({ connector, state }) => connector === 'webhook' && state === 'done').length,
    credentials: Object.fromEntries(
      licenses.flatMap(({ credential, state }) => (credential && state ? [[credential.id, state]] : [])),
    ),
  }
}

export interface Instants {
  readonly timesMs: readonly number[]
  /** A group behind it has outgrown its memory, and says so. */
  readonly rough: boolean
  /** The longest window behind it. */
  readonly spanMs: number
}

function instantsOf(
  signals: ReadonlyMap<string, Signal>,
  incidents: ReadonlyMap<string, Incident>,
): Record<string, Instants> {
  const times: Record<string, Instants> = {}
  const open = [...signals.values()].filter(({ rule, status }) => rule.kind === 'sigma' && status === 'open')
  for (const { id, '@timestamp': at, facts } of open) {
    times[id] = {
      timesMs: [Date.parse(at)],
      rough: facts['incomplete'] === true,
      spanMs: Number(facts['timespanMs'] ?? 0),
    }
  }
  for (const { id, status, firstSeen, lastSeen, signals: of } of incidents.values()) {
    if (status === 'merged' || status === 'retracted') continue
    const behind = of.flatMap((signal) => times[signal.id] ?? [])
    // The others are of detectors that act on arrival, and so are the instants at which they last did.
    if (behind.length < of.length) continue
    times[id] = {
      timesMs: [Date.parse(firstSeen), Date.parse(lastSeen)],
      rough: behind.some(({ rough }) => rough),
      spanMs: Math.max(0, ...behind.map(({ spanMs }) => spanMs)),
    }
  }
  return times
}

interface Versioned {
  readonly id: string
  readonly version: number
}

function becameOf(incidentId: string, incidents: ReadonlyMap<string, Incident>): string {
  const into = incidents.get(incidentId)?.mergedInto
  return into === undefined ? incidentId : becameOf(into, incidents)
}

/**
 * Without `supersedes`: which findings were told and withdrawn on the way follows the order of arrival. So does which of
 * many events are shown, and with them the entities that they name.
 */
function signalWords({ rule, status, entities, evidence }: Signal): unknown {
  const isWhole = evidence.count <= evidence.events.length
  return { rule: rule.id, level: rule.level, status, ...(isWhole ? { entities } : {}) }
}

/** Without `settled`: that follows the clock, which passes a source's lateness in the longer run alone. */
function incidentWords(incident: Incident): unknown {
  const { tenant, status, severity, title, primary, signalCount } = incident
  return { tenant, status, severity, title, primary, signalCount }
}

async function all<T>(bus: Bus, topic: string): Promise<T[]> {
  const values: T[] = []
  for (let partition = 0; partition < (await bus.partitionCount(topic)); partition += 1) {
    await bus.read({ topic, partition }, 'start', (batch) => {
      for (const record of batch) {
        if (record.value !== null && !(headers.control in record.headers))
          values.push(JSON.parse(record.value.toString()) as T)
      }
    })
  }
  return values
}

function last<T extends Versioned>(versions: readonly T[]): Map<string, T> {
  const found = new Map<string, T>()
  for (const each of versions) {
    const before = found.get(each.id)
    if (before === undefined || before.version <= each.version) found.set(each.id, each)
  }
  return found
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort()
}

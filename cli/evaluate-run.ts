/**
 * Normalize and detect over recorded traffic, record by record, in one process.
 *
 * The same logic as in production, fed by hand: each record is normalized, its event goes through both steps of detect, and
 * watermarks follow event time as the slowest source allows. State can be taken down and gone back to.
 */
import { ContentInvalidError } from '../core/errors.ts'
import type { ContentFile } from '../core/content.ts'
import type { Event } from '../core/event.ts'
import { sha256Hex } from '../core/ids.ts'
import { parseJson } from '../core/json.ts'
import type { OutgoingRecord } from '../core/ports/bus.ts'
import type { Leak } from '../core/leak.ts'
import type { Signal, Threat } from '../core/signal.ts'
import { topics } from '../core/topics.ts'
import { compileSources, type CompiledSources } from '../engine/sources/compile.ts'
import type { Source } from '../engine/sources/source.ts'
import { CollectedOutcome } from '../runtime/stage/collect-outcome.ts'
import { bundleOf } from '../runtime/content/content-digest.ts'
import { MemoryState } from '../runtime/stage/memory-state.ts'
import { DetectInProcess, type DetectSnapshot } from '../services/detect/in-process.ts'
import { compileRules } from '../services/detect/rule-set/rule-set.ts'
import { NormalizeLogic } from '../services/normalize/logic.ts'

/** One line of the result. `principals` where a finding names several. */
export interface Alert {
  readonly file: string
  readonly id: string
  readonly principal?: string
  readonly principals?: readonly string[]
  readonly threat: string
}

/** A signal behind an alert, as it stood then. */
export type Finding = { readonly file: string } & Signal

/** What an account held at the end of a file. Named as the records name it: without the tenant. */
export type HeldAtEnd = Omit<Leak, 'id' | 'version' | 'rule'> & { readonly file: string }

export interface EvaluateContent {
  readonly sources: readonly ContentFile[]
  readonly rules: readonly ContentFile[]
  readonly inventory: readonly ContentFile[]
}

/** Event time between two watermarks. */
const watermarkEveryMs = 60_000
/** The key that digests of credentials are made with: the same in every run. */
export const evaluateKey = Buffer.from(sha256Hex('modelwarden evaluate'), 'hex')

/** What threats are called in alerts, where that is not our own name. */
const alertNames: Partial<Record<Threat, string>> = { license: 'licence', 'in-distribution-extraction': 'extraction' }

export class EvaluateRun {
  readonly sources: ReadonlyMap<string, Source>
  readonly #detect: DetectInProcess
  readonly #normalize: ReadonlyMap<string, NormalizeLogic>
  readonly #out = new CollectedOutcome()
  /** Signal -> accounts that an alert has named. */
  readonly #named = new Map<string, Set<string>>()
  #alerts: Alert[] = []
  #findings: Finding[] = []
  readonly #leaks = new Map<string, HeldAtEnd>()
  #file = ''
  #recordId = ''
  #offset = 0
  #reachedMs = -Infinity
  #watermarkMs = -Infinity
  records = 0
  deadLetters = 0

  /** Throws ContentInvalidError where sources, rules or the inventory have mistakes. */
  constructor(content: EvaluateContent) {
    const compiled = checkedSources(content.sources)
    const { mistakes } = compileRules(content.rules)
    if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
    this.sources = compiled.sources
    this.#normalize = new Map(
      [topics.audit, topics.inference].map((topic) => [topic, normalizeLogic(topic, content.sources, compiled)]),
    )
    this.#detect = new DetectInProcess(content.rules, {
      inventory: content.inventory,
      onSignal: (signal) => this.#take(signal),
      onLeak: ({ id, version: _, rule: __, ...leak }) => {
        this.#leaks.set(id, { file: this.#file, ...leak, account: leak.account.slice(leak.account.indexOf('/') + 1) })
      },
    })
  }

  /** Alerts from here on are of this file. */
  begin(file: string): void {
    this.#file = file
    this.#recordId = ''
  }

  take(outgoing: readonly OutgoingRecord[]): void {
    for (const record of outgoing) {
      const logic = this.#normalize.get(record.topic)
      if (logic === undefined) this.deadLetters++
      else this.#one(record, logic)
    }
  }

  /** No record is under way any more, and time has passed. `Infinity`: and none will come. */
  finish(watermarkMs = this.#reachedMs): readonly Alert[] {
    this.#detect.watermark(watermarkMs)
    const alerts = this.#alerts
    this.#alerts = []
    this.#detect.signals.length = 0
    return alerts
  }

  /** The signals behind the alerts since this was asked before. */
  takeFindings(): readonly Finding[] {
    const findings = this.#findings
    this.#findings = []
    return findings
  }

  /** What accounts held when they were told of last, of those that were since this was asked before. */
  takeLeaks(): readonly HeldAtEnd[] {
    const leaks = [...this.#leaks.values()]
    this.#leaks.clear()
    return leaks
  }

  snapshot(): EvaluateSnapshot {
    return { detect: this.#detect.snapshot(), reachedMs: this.#reachedMs, watermarkMs: this.#watermarkMs }
  }

  restore(snapshot: EvaluateSnapshot): void {
    this.#detect.restore(snapshot.detect)
    this.#reachedMs = snapshot.reachedMs
    this.#watermarkMs = snapshot.watermarkMs
    this.#named.clear()
  }

  #one(record: OutgoingRecord, logic: NormalizeLogic): void {
    const value = Buffer.isBuffer(record.value) ? record.value : Buffer.from(record.value ?? '')
    this.records++
    this.#recordId = idOf(value) ?? this.#recordId
    logic.record(
      {
        topic: record.topic,
        partition: 0,
        offset: this.#offset++,
        key: record.key ?? '',
        value,
        headers: { ...record.headers },
        // Nothing recorded is from the future.
        appendedMs: Date.parse('2099-01-01T00:00:00.000Z'),
        arrivedMs: 0,
      },
      this.#out,
    )
    const { emitted, happenings, deadLetters } = this.#out
    this.#out.clear()
    this.deadLetters += deadLetters.length
    for (const { topic, value: event } of emitted) {
      if (topic === topics.events) this.#detect.event(event as Event, Date.parse((event as Event)['@timestamp']))
    }
    for (const { eventTimeMs, latenessMs } of happenings) this.#happened(eventTimeMs, latenessMs)
  }

  #happened(eventTimeMs: number, latenessMs: number): void {
    this.#reachedMs = Math.max(this.#reachedMs, eventTimeMs)
    const watermarkMs = this.#reachedMs - latenessMs
    if (watermarkMs < this.#watermarkMs + watermarkEveryMs) return
    this.#watermarkMs = watermarkMs
    this.#detect.watermark(watermarkMs)
  }

  #take(signal: Signal): void {
    if (signal.status !== 'open' || signal.threat === undefined || signal.rule.shadow) return
    const named = this.#named.get(signal.id) ?? new Set()
    const known = this.#named.has(signal.id)
    this.#named.set(signal.id, named)
    const fresh = principalsOf(signal).filter((principal) => !named.has(principal))
    if (known && fresh.length === 0) return
    for (const principal of fresh) named.add(principal)
    this.#findings.push({ file: this.#file, ...signal })
    this.#alerts.push({
      file: this.#file,
      id: this.#recordId,
      ...(fresh.length === 1 ? { principal: fresh[0]! } : fresh.length > 1 ? { principals: fresh } : {}),
      threat: alertNames[signal.threat] ?? signal.threat,
    })
  }
}

export interface EvaluateSnapshot {
  readonly detect: DetectSnapshot
  readonly reachedMs: number
  readonly watermarkMs: number
}

/** As the records name them: without the tenant. */
function principalsOf({ members, entities }: Signal): string[] {
  const ids =
    members?.map(({ principal }) => principal) ??
    entities.filter(({ type }) => type === 'principal').map(({ id }) => id)
  return [...new Set(ids.map((id) => id.slice(id.indexOf('/') + 1)))]
}

function idOf(value: Buffer): string | undefined {
  const parsed = parseJson(value)
  const id =
    parsed.ok && typeof parsed.value === 'object' && parsed.value !== null
      ? (parsed.value as { id?: unknown }).id
      : undefined
  return typeof id === 'string' ? id : undefined
}

function checkedSources(files: readonly ContentFile[]): CompiledSources {
  const compiled = compileSources(files)
  if (compiled.mistakes.length > 0) throw new ContentInvalidError(compiled.mistakes)
  return compiled
}

function normalizeLogic(topic: string, files: readonly ContentFile[], compiled: CompiledSources): NormalizeLogic {
  const logic = new NormalizeLogic(evaluateKey, () => compiled, {
    at: { topic, partition: 0 },
    state: new MemoryState(),
  })
  logic.content('sources', bundleOf('sources', files), files)
  return logic
}

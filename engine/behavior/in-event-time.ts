/**
 * Makes a step that acts on arrival one that acts in event time: observations wait until the watermark has passed them, and
 * are handed on in the order in which they happened.
 *
 * For grouped steps whose verdict on one principal rests on what others have done by then: on arrival, the order in which
 * partitions are read would decide who is accused. Costs the lateness of the source (10 minutes by default).
 *
 * Promises: at most `waitingMax` observations wait for a group; past that the earliest is handed on at once, as is one that
 * comes after the watermark.
 */
import type { BehaviorStep, GroupEntries, StepContext, StepOutcome } from './types.ts'

const waitingMax = 1_000
const name = 'waiting'

/** What a step is given beside its observation. */
type Rest = [watermarkMs: number, context: StepContext]

/** What is known of an observation: when it happened, and what tells it from others of that instant. */
export interface Instant {
  readonly timeMs: number
  readonly id: string
}

export class InEventTime implements BehaviorStep {
  readonly stateVersion: number
  readonly groupBy: readonly string[]
  readonly #step: BehaviorStep
  readonly #instantOf: (observation: unknown) => Instant

  constructor(step: BehaviorStep, instantOf: (observation: unknown) => Instant) {
    this.#step = step
    this.#instantOf = instantOf
    this.stateVersion = step.stateVersion
    this.groupBy = step.groupBy
  }

  apply(group: readonly string[], entries: GroupEntries, observation: unknown, ...rest: Rest): StepOutcome {
    const [watermarkMs] = rest
    if (this.#instantOf(observation).timeMs < watermarkMs) {
      return this.#together([this.#step.apply(group, entries, observation, ...rest)], entries)
    }
    const waiting = this.#waiting(entries)
    waiting.splice(this.#placeOf(observation, waiting), 0, observation)
    const over = waiting.length > waitingMax ? [waiting.shift()] : []
    entries.set(name, waiting)
    return this.#together(
      over.map((each) => this.#step.apply(group, entries, each, ...rest)),
      entries,
    )
  }

  advance(group: readonly string[], entries: GroupEntries, ...rest: Rest): StepOutcome {
    const [watermarkMs] = rest
    const waiting = this.#waiting(entries)
    const due = waiting.findIndex((each) => this.#instantOf(each).timeMs >= watermarkMs)
    const taken = waiting.splice(0, due === -1 ? waiting.length : due)
    if (taken.length > 0) {
      if (waiting.length === 0) entries.delete(name)
      else entries.set(name, waiting)
    }
    const outcomes = taken.map((each) => this.#step.apply(group, entries, each, ...rest))
    return this.#together([...outcomes, this.#step.advance(group, entries, ...rest)], entries)
  }

  /** In the order in which they happened. */
  #waiting(entries: GroupEntries): unknown[] {
    return entries.get<unknown[]>(name) ?? []
  }

  /** Most come in order: sought from the end. */
  #placeOf(observation: unknown, waiting: readonly unknown[]): number {
    const one = this.#instantOf(observation)
    let place = waiting.length
    while (place > 0) {
      const other = this.#instantOf(waiting[place - 1])
      if (other.timeMs < one.timeMs || (other.timeMs === one.timeMs && other.id <= one.id)) break
      place--
    }
    return place
  }

  #together(outcomes: readonly StepOutcome[], entries: GroupEntries): StepOutcome {
    const [first] = this.#waiting(entries)
    const last = outcomes[outcomes.length - 1]
    return {
      findings: outcomes.flatMap(({ findings }) => findings),
      shuffled: outcomes.flatMap(({ shuffled }) => shuffled),
      // An observation is due once the watermark is past it.
      dueMs: Math.min(first === undefined ? Infinity : this.#instantOf(first).timeMs + 1, last?.dueMs ?? Infinity),
    }
  }
}

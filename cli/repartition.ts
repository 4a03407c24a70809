/**
 * Gives the logs more partitions, and takes the state of every stage to where its keys go then.
 *
 * Stages are stopped, and have worked their logs off: what stands in the old partitions is done with, and stays. Promises: until
 * it has come to its end no stage can be taken up (a lock in each partition of its state); each step can be cut off at any
 * moment, and is gone on with by the next run; a stage's state moves in one transaction, so it is never in two places or none.
 */
import { CliError, exitCodes } from './exit.ts'
import type { Bus, OutgoingRecord } from '../core/ports/bus.ts'
import { stateTopic, topicSpecs } from '../core/topics.ts'
import { lockRecord } from '../runtime/stage/checkpoints.ts'
import { followContent } from '../runtime/content/content-reader.ts'
import type { Log } from '../runtime/log.ts'
import { silentTelemetry } from '../runtime/telemetry.ts'
import { compileRules, type RuleSet } from '../services/detect/rule-set/rule-set.ts'
import { rekeyedOwners, type RekeyedOwner } from './repartition-owners.ts'
import { contentOf, findStage, movesOf, type FoundStage } from './repartition-state.ts'

export interface RepartitionReport {
  readonly topics: readonly { readonly name: string; readonly from: number; readonly to: number }[]
  readonly stages: readonly StageReport[]
  /** Groups that still have members. */
  readonly running: readonly string[]
  /** What stands in the way, in words. Empty: it can be done, or is. */
  readonly obstacles: readonly string[]
  readonly applied: boolean
}

export interface StageReport {
  readonly name: string
  readonly from: number
  readonly entries: number
  /** Entries written to another partition, or changed. */
  readonly moved: number
  readonly waiting: number
}

export interface RepartitionOptions {
  readonly bus: Bus
  readonly to: number
  readonly apply: boolean
  readonly log: Log
  /** Told before each step of `apply`; a test cuts it off there. */
  readonly onStep?: (step: string) => void
}

/** Nothing of its state moves, but what it writes goes to other partitions. */
const lockedOnly = ['normalize']

/** A stage's whole state is one commit: as long as a broker allows by default (transaction.max.timeout.ms). */
const moveMsMax = 900_000

const noRules: RuleSet = { sigma: [], correlations: [], behavior: [], exceptions: [] }

export async function repartition(options: RepartitionOptions): Promise<RepartitionReport> {
  const { bus, to, apply } = options
  if (bus.addPartitions === undefined || bus.groupMembers === undefined) {
    throw new CliError(
      exitCodes.usage,
      'NOT_ON_KAFKA',
      'Partitions are what several processes share: the embedded bus has one.',
    )
  }
  const topics = await topicsToGrow(bus, to)
  const found = await look(options)
  const report = await reportOf(options, topics, found)
  if (!apply || report.obstacles.length > 0) return report
  if (topics.length === 0 && !found.some(({ locked }) => locked)) return { ...report, applied: true }
  await new Application(options, found).run()
  return { ...report, applied: true }
}

/** Topics that scale out and have fewer partitions than they are to have. */
async function topicsToGrow(bus: Bus, to: number): Promise<RepartitionReport['topics']> {
  const growing: { name: string; from: number; to: number }[] = []
  for (const { name, partitions } of topicSpecs(to)) {
    const from = await bus.partitionCount(name)
    if (partitions === to && from > to) {
      throw new CliError(
        exitCodes.usage,
        'FEWER_PARTITIONS',
        `${name} has ${from} partitions, and bus.partitions is ${to}: there is no way to fewer.`,
      )
    }
    if (partitions === to && from < to) growing.push({ name, from, to })
  }
  return growing
}

/** The stages as they stand, with the rules that say whose their groups are. */
async function look({ bus, log }: Pick<RepartitionOptions, 'bus' | 'log'>): Promise<readonly FoundStage[]> {
  const found = async (owners: readonly RekeyedOwner[]): Promise<readonly FoundStage[]> => {
    const stages: FoundStage[] = []
    for (const owner of owners) stages.push(await findStage(bus, owner))
    return stages
  }
  const stages = await found(rekeyedOwners(noRules))
  const [digest, another] = contentOf(stages, 'rules')
  if (digest === undefined || another !== undefined) return stages
  const content = await followContent(bus, log, silentTelemetry)
  try {
    const { files } = await content.bundle(digest)
    const owners = new Map(rekeyedOwners(compileRules(files).set).map((owner) => [owner.name, owner]))
    return stages.map((stage) => ({ ...stage, owner: owners.get(stage.owner.name)! }))
  } finally {
    await content.stop()
  }
}

async function reportOf(
  { bus, to }: RepartitionOptions,
  topics: RepartitionReport['topics'],
  found: readonly FoundStage[],
): Promise<RepartitionReport> {
  const members = await bus.groupMembers!([
    ...found.map(({ owner }) => `warden.${owner.name}`),
    'warden.normalize',
    'warden.schedule',
  ])
  const running = [...members].filter(([, count]) => count > 0).map(([group]) => group)
  const obstacles: string[] = []
  if (running.length > 0)
    obstacles.push(
      `Still running: ${running.join(', ')}. Stop them; a killed process counts until its session is over.`,
    )
  for (const { owner, waiting, input } of found)
    if (waiting > 0)
      obstacles.push(
        `${owner.name} has ${waiting} records of ${input} to work off: start it until that is done, without normalize.`,
      )
  for (const set of ['rules', 'inventory', 'playbooks'] as const)
    if (contentOf(found, set).length > 1)
      obstacles.push(`Not all tasks have taken up the same ${set}: start the stages once more.`)
  for (const { headedFor } of found
    .filter((stage) => stage.headedFor !== undefined && stage.headedFor !== to)
    .slice(0, 1))
    obstacles.push(
      `An earlier run is on its way to ${headedFor} partitions: let it come to its end first (bus.partitions: ${headedFor}).`,
    )
  const stages = found.map((stage) => ({
    name: stage.owner.name,
    from: stage.from,
    entries: stage.tasks.reduce((sum, { entries }) => sum + entries.size, 0),
    moved: stage.moved ? 0 : movesOf(stage, to).moved,
    waiting: stage.waiting,
  }))
  return { topics, stages, running, obstacles, applied: false }
}

class Application {
  readonly #options: RepartitionOptions
  #found: readonly FoundStage[]

  constructor(options: RepartitionOptions, found: readonly FoundStage[]) {
    this.#options = options
    this.#found = found
  }

  async run(): Promise<void> {
    const { bus, to } = this.#options
    // One at a time: a later run fences an earlier one off.
    const writer = await bus.fenced('repartition', moveMsMax)
    try {
      this.#step('state topics')
      const states = this.#names().map((name) => ({ name: stateTopic(name), partitions: to }))
      await bus.createTopics(states.map((state) => ({ ...state, cleanup: 'compact' })))
      await bus.addPartitions!(states)
      this.#step('lock')
      // What an earlier run still did until its name was taken from it, the first look did not see.
      this.#found = await look(this.#options)
      const from = Math.max(...this.#found.map((stage) => stage.from))
      const unlocked = this.#found
        .filter(({ locked }) => !locked)
        .map((stage) => ({ name: stage.owner.name, from: stage.from }))
      await writer.commit(
        [...unlocked, ...lockedOnly.map((name) => ({ name, from }))].flatMap((stage) => locks(stage, to, false)),
      )
      await this.#fenceOff()
      // Somebody may have started, and written, between the first look and the lock.
      this.#found = await look(this.#options)
      const { obstacles } = await reportOf(this.#options, [], this.#found)
      if (obstacles.length > 0) throw new CliError(exitCodes.failure, 'NOT_AT_REST', obstacles.join(' '))
      for (const stage of this.#found) {
        if (stage.moved) continue
        this.#step(`move ${stage.owner.name}`)
        await writer.commit([
          ...movesOf(stage, to).records,
          ...locks({ name: stage.owner.name, from: stage.from }, to, true),
        ])
      }
      this.#step('topics')
      await bus.addPartitions!(topicSpecs(to).filter(({ partitions }) => partitions === to))
      this.#step('unlock')
      await writer.commit(this.#names().flatMap((name) => each(to, (at) => lockRecord(name, at, null))))
    } finally {
      await writer.close()
    }
  }

  #names(): readonly string[] {
    return [...this.#found.map(({ owner }) => owner.name), ...lockedOnly]
  }

  /** A copy that hangs, and is thought to be gone, must not write once it wakes up. */
  async #fenceOff(): Promise<void> {
    const { bus } = this.#options
    for (const { owner, input, from, moved } of this.#found) {
      if (moved) continue
      for (let at = 0; at < from; at++) await (await bus.fenced(`${owner.name}/${input}/${at}`)).close()
    }
  }

  #step(name: string): void {
    this.#options.onStep?.(name)
  }
}

function locks(
  stage: { readonly name: string; readonly from: number },
  to: number,
  moved: boolean,
): readonly OutgoingRecord[] {
  return each(to, (at) => lockRecord(stage.name, at, { from: stage.from, to, moved }))
}

function each<T>(count: number, make: (at: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, at) => make(at))
}

/**
 * Normalize and detect in one process, without a bus, with all sources and rules of the repo, beside a bare JSON.parse of
 * the same records. All on one thread; rounds in turn, medians. A batch goes through one stage before the next one has it, as
 * the bus does it: that is a quarter less than record by record, for which code and tables have to be fetched anew each time.
 *
 * The first step of detect alone, which is where the events go; both steps, what the second one reads handed on as it is;
 * and the first step without the behavior rules, whose cost is part of every other figure.
 */
import { join } from 'node:path'
import { topics } from '../../core/topics.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Event } from '../../core/event.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import { loadFolders } from '../../runtime/content/content-files.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import type { ContentSet } from '../../core/control.ts'
import type { StageLogic, StageRecord } from '../../runtime/stage/stage.ts'
import { silentReport } from '../../services/detect/cost.ts'
import { DetectLogic } from '../../services/detect/detect-stage.ts'
import { GroupsLogic } from '../../services/detect/groups-stage.ts'
import type { Observed } from '../../services/detect/observed.ts'
import { normalizeStage } from '../../services/normalize/service.ts'
import { type Bench, type Figure, median } from './figures.ts'
import { gatewayRecords } from './records.ts'

const root = join(import.meta.dirname, '../..')
const count = 20_000
const rounds = 5
/** Of a partition at a time, as a stage takes them from the bus (there, up to 2,000). */
const batchRecords = 1_000
const startMs = Date.UTC(2026, 0, 5)

export const inProcessBench: Bench = {
  name: 'in-process',
  async run() {
    const records = gatewayRecords({ count, startMs, stepMs: 40, principals: 300 }).map((text) => Buffer.from(text))
    const parses: number[] = []
    const firstStep: number[] = []
    const bothSteps: number[] = []
    const sigmaAlone: number[] = []
    for (let round = 0; round < rounds; round++) {
      parses.push(perSecond(() => parseAll(records)))
      const first = await openPipeline('first step')
      firstStep.push(perSecond(() => first(records)))
      const sigma = await openPipeline('first step', isNoBehaviorRule)
      sigmaAlone.push(perSecond(() => sigma(records)))
      // It takes many times as long.
      if (round % 2 === 1) continue
      const both = await openPipeline('both steps')
      bothSteps.push(perSecond(() => both(records)))
    }
    const figure = (name: string, rates: readonly number[]): Figure => ({
      name,
      value: median(rates),
      unit: 'records/s',
      baseline: { name: 'bare JSON.parse', value: median(parses) },
      target: { least: 0.25 },
    })
    return [
      figure('normalize + detect, in process', firstStep),
      figure("the same, with detect's second step", bothSteps),
      figure('normalize + detect, without behavior rules', sigmaAlone),
    ]
  },
}

/** By the CPU time of this thread: other work on a shared machine doesn't count. */
function perSecond(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return count / ((user + system) / 1e6)
}

function parseAll(records: readonly Buffer[]): void {
  for (const record of records) JSON.parse(record.toString('utf8'))
}

/** A fresh normalize and a fresh detect, as one partition has them; what comes out in the end is thrown away. */
async function openPipeline(
  steps: 'first step' | 'both steps',
  isChosen: (rule: ContentFile) => boolean = () => true,
): Promise<(records: readonly Buffer[]) => void> {
  const at = { topic: topics.inference, partition: 0 }
  const normalize = normalizeStage(Buffer.from('bench')).create({
    stage: 'normalize',
    at,
    partitions: 1,
    partitionsOf: () => 1,
    state: new MemoryState(),
  })
  const detect = new DetectLogic(new MemoryState(), silentReport)
  const groups = steps === 'both steps' ? new GroupsLogic(new MemoryState(), silentReport, 1) : undefined
  await putInForce(normalize, 'sources', 'sources')
  await putInForce(detect, 'rules', 'rules', isChosen)
  if (groups !== undefined) await putInForce(groups, 'rules', 'rules', isChosen)
  const between = new CollectedOutcome()
  const out = new CollectedOutcome()
  let onward: { readonly observed: Observed; readonly record: StageRecord }[] = []
  return (records) => {
    for (let from = 0; from < records.length; from += batchRecords) {
      const batch = records.slice(from, from + batchRecords).map((value, n) => recordOf(value, from + n))
      for (const record of batch) normalize.record(record, between)
      if (between.deadLetters.length > 0)
        throw new Error(`a bench record was refused: ${between.deadLetters[0]?.message ?? ''}`)
      const events = between.emitted.filter(({ topic }) => topic === topics.events)
      between.clear()
      for (const [n, { value }] of events.entries()) {
        detect.event(value as Event, batch[n]!, out)
        handOn(batch[n]!)
      }
      // As the runner does: a watermark now and then.
      const last = batch.at(-1)!
      detect.watermark(last.appendedMs - 600_000, out)
      handOn(last)
      if (groups === undefined) continue
      for (const { observed, record } of onward) {
        groups.observed(observed, record, out)
        out.clear()
      }
      onward = []
      groups.watermark(last.appendedMs - 600_000, out)
      out.clear()
    }
  }

  function handOn(record: StageRecord): void {
    if (groups !== undefined) {
      for (const { topic, value } of out.emitted)
        if (topic === topics.observations) onward.push({ observed: value as Observed, record })
    }
    out.clear()
  }

  function recordOf(value: Buffer, offset: number): StageRecord {
    const appendedMs = startMs + offset * 40
    return { ...at, offset, key: undefined, value, headers: { source: 'gateway' }, appendedMs, arrivedMs: appendedMs }
  }
}

const isNoBehaviorRule = ({ text }: ContentFile): boolean => !/^behavior:/m.test(text)

async function putInForce(
  logic: StageLogic,
  set: ContentSet,
  folder: string,
  isChosen: (file: ContentFile) => boolean = () => true,
): Promise<void> {
  const { files } = await loadFolders([join(root, folder)])
  const chosen = files.filter(isChosen)
  const mistakes = logic.content?.(set, bundleOf(set, chosen), chosen, new CollectedOutcome()) ?? []
  if (mistakes.length > 0) throw new Error(`${folder} have mistakes: ${mistakes[0]?.message ?? ''}`)
}

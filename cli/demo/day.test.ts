/** The demo promises two thefts: the shipped sources and rules must find both, in whatever order partitions hand the day on. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ContentFile } from '../../core/content.ts'
import type { Event } from '../../core/event.ts'
import { headers, topics } from '../../core/topics.ts'
import { compileSources } from '../../engine/sources/compile.ts'
import { CollectedOutcome } from '../../runtime/stage/collect-outcome.ts'
import { bundleOf } from '../../runtime/content/content-digest.ts'
import { MemoryState } from '../../runtime/stage/memory-state.ts'
import { DetectInProcess } from '../../services/detect/in-process.ts'
import { NormalizeLogic } from '../../services/normalize/logic.ts'
import { home } from '../home.ts'
import { extractor, insider } from './cast.ts'
import { believableDay } from './day.ts'

const endMs = Date.parse('2026-03-03T18:00:00.000Z')

function shipped(folder: string): ContentFile[] {
  return readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yml') && !name.endsWith('.cases.yml'))
    .map((name) => ({ path: name, text: readFileSync(join(home, folder, name), 'utf8') }))
}

/** The day's events, in order of time. */
function eventsOfDay(): Event[] {
  const sources = shipped('sources')
  const out = new CollectedOutcome()
  const logics = [topics.audit, topics.inference].map((topic) => {
    const task = { at: { topic, partition: 0 }, state: new MemoryState() }
    const logic = new NormalizeLogic(Buffer.alloc(32), () => compileSources(sources), task)
    logic.content('sources', bundleOf('sources', sources), sources)
    return logic
  })
  for (const [offset, { source, record }] of believableDay(endMs, 'test').entries()) {
    const isCall = source === 'litellm' || source === 'gateway'
    const value = Buffer.from(JSON.stringify(record))
    const given = { partition: 0, offset, key: '', value, headers: { [headers.source]: source }, arrivedMs: endMs }
    logics[isCall ? 1 : 0]!.record(
      { ...given, topic: isCall ? topics.inference : topics.audit, appendedMs: endMs },
      out,
    )
  }
  expect(out.deadLetters).toEqual([])
  return out.emitted.filter(({ topic }) => topic === topics.events).map(({ value }) => value as Event)
}

const events = eventsOfDay()

/** Dealt out over four partitions like cards, then a batch of one partition after the other. */
function dealt(): Event[] {
  const [partitions, batch] = [4, 50]
  const place = (n: number): number => Math.floor(n / (partitions * batch)) * partitions + (n % partitions)
  return events
    .map((event, n) => ({ event, at: place(n) }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event)
}

test.each([
  ['in order of time', events],
  ['as four partitions hand them on', dealt()],
])(
  'both thefts of the day are found, and nobody else is accused, with the events %s',
  (_, given) => {
    const detect = new DetectInProcess(shipped('rules'))
    for (const event of given) detect.event(event, endMs)
    detect.watermark(Infinity)
    const grave = [...detect.final().values()].filter(({ rule }) => rule.level === 'high' || rule.level === 'critical')
    const accusations = grave.map(({ rule, entities }) => {
      const principal = entities.find(({ type }) => type === 'principal')!.id
      return `${principal.split('/').at(-1)}: ${rule.title}`
    })
    expect(accusations.sort()).toEqual([
      `${insider.name}: Audit logging stopped`,
      `${insider.name}: Weights read in bulk`,
      `${extractor.user}: Logits of a language model read out`,
    ])
  },
  60_000,
)

/**
 * Steps of thefts that came to detect when event time was complete past them: no window can take them up, so a theft is missed.
 *
 * Read from the log that detect reads: its records, and the watermarks between them.
 */
import { Control } from '../../../core/control.ts'
import type { Event } from '../../../core/event.ts'
import type { Bus, BusRecord } from '../../../core/ports/bus.ts'
import { headers, topics } from '../../../core/topics.ts'
import { Marks } from '../../../runtime/stage/marks.ts'
import { WatermarkTracker } from '../../../runtime/stage/watermarks.ts'

const upstream = [`normalize/${topics.audit}`, `normalize/${topics.inference}`]

/** `principals`: `tenant/user`. Each step with its mark, which names its raw record, and where it stands. */
export async function lateSteps(bus: Bus, principals: ReadonlySet<string>): Promise<readonly string[]> {
  const late: string[] = []
  for (let partition = 0; partition < (await bus.partitionCount(topics.events)); partition += 1) {
    const log = new EventLog(principals)
    await bus.read({ topic: topics.events, partition }, 'start', (batch) => {
      for (const record of batch) late.push(...log.take(record))
    })
  }
  return late
}

/** One partition of the log. */
class EventLog {
  readonly #principals: ReadonlySet<string>
  readonly #watermark = new WatermarkTracker(upstream)
  readonly #marks = new Marks()
  readonly #seen = new Set<string>()

  constructor(principals: ReadonlySet<string>) {
    this.#principals = principals
  }

  take({ topic, partition, offset, value, headers: told }: BusRecord): readonly string[] {
    const mark = told[headers.mark] ?? ''
    if (value === null || this.#marks.passes(mark) === false) return []
    const parsed: unknown = JSON.parse(value.toString())
    if (headers.control in told) {
      const control = Control.parse(parsed)
      if (control.control === 'watermark') this.#watermark.told(control)
      this.#watermark.advance()
      return []
    }
    const { event, warden, '@timestamp': at } = parsed as Event
    if (!this.#principals.has(warden.principal) || this.#seen.has(event.id)) return []
    this.#seen.add(event.id)
    const { reachedMs } = this.#watermark
    if (reachedMs === null || Date.parse(at) >= reachedMs) return []
    const reached = new Date(reachedMs).toISOString()
    return [`${warden.principal} ${event.action} of ${at}, made of ${mark}, at ${topic}/${partition}:${offset} past ${reached}`] // prettier-ignore
  }
}

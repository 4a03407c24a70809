/**
 * Runs a job once for each scheduled time, however many schedulers there are.
 *
 * The scheduler takes the job's name (which fences off any other that is at it), reads which run was last, and writes the
 * run's records and its mark in one transaction: all of it is there, or none, and no second time. Records carry ids derived
 * from the job and its time besides, so that even a bus restored from a backup makes no second event of them.
 */
import { FencedError } from '../../core/errors.ts'
import type { Bus, OutgoingRecord } from '../../core/ports/bus.ts'
import { boardRecords, type Board } from './board.ts'

export interface JobTurn {
  readonly scheduledMs: number
  readonly nowMs: number
  readonly board: Board
  /** Since when there has been a scheduler without a pause longer than `pauseMsMax`. */
  readonly watchedFromMs: number
}

export interface Job {
  readonly name: string
  /** The records that this run puts on the bus. */
  readonly work: (turn: JobTurn) => Promise<readonly OutgoingRecord[]> | readonly OutgoingRecord[]
}

/** Runs further apart than this had nobody watching in between. */
const pauseMsMax = 5 * 60_000

/** `ran`; `done-already`: another scheduler did it; `taken-over`: another took the job while this one was at it. */
export type RunOutcome = 'ran' | 'done-already' | 'taken-over'

export async function runOnce(
  job: Job,
  scheduledMs: number,
  deps: { readonly bus: Bus; readonly board: Board; readonly nowMs: () => number },
): Promise<RunOutcome> {
  const { bus, board, nowMs } = deps
  const producer = await bus.fenced(`schedule/${job.name}`)
  try {
    // After the fencing: whoever held the name before has committed by now, or never will.
    await board.refresh()
    const last = board.lastRun(job.name)
    if (last !== undefined && last.scheduledMs >= scheduledMs) return 'done-already'
    const watched = last !== undefined && scheduledMs - last.scheduledMs <= pauseMsMax
    const watchedFromMs = watched ? last.watchedFromMs : scheduledMs
    const records = await job.work({ scheduledMs, nowMs: nowMs(), board, watchedFromMs })
    await producer.commit([...records, boardRecords.run(job.name, { scheduledMs, watchedFromMs })])
    return 'ran'
  } catch (error) {
    if (error instanceof FencedError) return 'taken-over'
    throw error
  } finally {
    await producer.close()
  }
}

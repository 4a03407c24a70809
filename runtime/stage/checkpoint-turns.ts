/**
 * Whose turn it is to write a checkpoint: each of a stage's tasks once in an interval, at even distances.
 *
 * All at once they hold the event loop and the broker for as long as all of them take, and what comes meanwhile waits behind
 * that: with state that changes much, the slowest records of a second are those.
 */
export interface TurnTaker {
  checkpoint(): Promise<void>
}

export class CheckpointTurns {
  readonly #intervalMs: number
  readonly #tasks: () => readonly TurnTaker[]
  readonly #busy = new Set<TurnTaker>()
  #last: TurnTaker | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `tasks`: those that there are now; the order of those that stay does not change. */
  constructor(intervalMs: number, tasks: () => readonly TurnTaker[]) {
    this.#intervalMs = intervalMs
    this.#tasks = tasks
  }

  start(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(
      () => {
        this.#next()
        this.start()
      },
      this.#intervalMs / Math.max(1, this.#tasks().length),
    )
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #next(): void {
    const tasks = this.#tasks()
    const task = tasks[(tasks.indexOf(this.#last!) + 1) % tasks.length]
    this.#last = task
    // One that takes longer than an interval misses its turn.
    if (task === undefined || this.#busy.has(task)) return
    this.#busy.add(task)
    void task.checkpoint().finally(() => this.#busy.delete(task))
  }
}

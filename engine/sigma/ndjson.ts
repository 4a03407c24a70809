/**
 * Matches a stream of events written as JSON, one a line.
 *
 * Pure: text comes in, matches go out. Stands between a file's chunks and the matcher, in `modelwarden rules match` and the
 * benchmark. A line that is no JSON object is told and counted like any other line; empty lines count too, so that line
 * numbers are the file's.
 */
import { isDeeperThan, opensMoreThan } from '../../core/json.ts'
import { limits } from '../../core/limits.ts'
import type { EventTree, MatchedRule, Matcher, SigmaRule } from './types.ts'

/** Characters of one line: far past any record. What is longer is told as a bad line, and its text let go. */
const lineCharsMax = 64 * 1024 * 1024

export interface EventLinesSink<Rule extends MatchedRule = SigmaRule> {
  /** `line` counts from 0. */
  onMatch(line: number, rule: Rule): void
  onBadLine(line: number, message: string): void
}

export class EventLines<Rule extends MatchedRule = SigmaRule> {
  readonly #matcher: Matcher<Rule>
  readonly #sink: EventLinesSink<Rule>
  readonly #onRule: (rule: Rule) => void
  #line = 0
  #events = 0
  /** The beginning of a line whose end has not come yet. */
  #rest = ''
  #skipping = false

  constructor(matcher: Matcher<Rule>, sink: EventLinesSink<Rule>) {
    this.#matcher = matcher
    this.#sink = sink
    this.#onRule = (rule) => {
      sink.onMatch(this.#line, rule)
    }
  }

  /** Events matched so far: lines that are JSON objects. */
  get events(): number {
    return this.#events
  }

  /** Takes a piece of the stream; pieces may be cut anywhere between two characters. */
  write(chunk: string): void {
    let from = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      const piece = chunk.slice(from, end)
      this.#take(this.#rest === '' ? piece : this.#rest + piece)
      this.#rest = ''
      from = end + 1
    }
    if (from === chunk.length || this.#skipping) return
    this.#rest += from === 0 ? chunk : chunk.slice(from)
    if (this.#rest.length <= lineCharsMax) return
    this.#sink.onBadLine(this.#line, `The line is longer than ${lineCharsMax} characters.`)
    this.#rest = ''
    this.#skipping = true
  }

  /** The stream has ended: a last line need not end with a line break. */
  end(): void {
    if (this.#rest !== '') this.#take(this.#rest)
    this.#rest = ''
  }

  #take(text: string): void {
    if (this.#skipping) this.#skipping = false
    else this.#match(text)
    this.#line++
  }

  #match(text: string): void {
    let event: unknown
    try {
      event = JSON.parse(text)
    } catch {
      if (text.trim() !== '') this.#sink.onBadLine(this.#line, 'The line is not JSON.')
      return
    }
    if (typeof event !== 'object' || event === null || Array.isArray(event)) {
      this.#sink.onBadLine(this.#line, 'An event is a JSON object.')
      return
    }
    if (opensMoreThan(text, limits.recordDepthMax) && isDeeperThan(event, limits.recordDepthMax)) {
      this.#sink.onBadLine(this.#line, `The event is nested more than ${limits.recordDepthMax} levels deep.`)
      return
    }
    this.#events++
    this.#matcher.match(event as EventTree, this.#onRule)
  }
}

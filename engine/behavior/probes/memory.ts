/** What is remembered of the last calls of one account at one model. JSON, bounded. */
import type { Call } from './call.ts'

const promptsMax = 16
const placesMax = 4
const answersMax = 8

export interface Memory {
  /** The last different prompts, the newest last: how often each was asked in a row of calls near each other. */
  prompts: [prompt: number, times: number][]
  places: number[][]
  /** Answers that come most often (Misra and Gries 1982), with counts that others take down. */
  answers: [answer: number, count: number][]
  last: { ms: number; latencyMs: number; inTokens: number; maxTokens: number } | null
}

export function emptyMemory(): Memory {
  return { prompts: [], places: [], answers: [], last: null }
}

/** What a call is to those before it. */
export interface Known {
  /** How often its prompt was asked before, among the last different ones; and how many different ones ago. */
  readonly times: number
  readonly ago: number
  /** Cosine to the closest of the last prompts; 0 where places are not known. */
  readonly alike: number
  readonly last: Memory['last']
}

export function knownOf({ prompts, places, last }: Memory, { prompt, place }: Call): Known {
  let alike = 0
  if (place !== undefined) {
    for (const each of places) {
      if (each.length !== place.length) continue
      let dot = 0
      let squares = 0
      let own = 0
      for (let i = 0; i < place.length; i++) {
        dot += each[i]! * place[i]!
        squares += each[i]! ** 2
        own += place[i]! ** 2
      }
      const cosine = dot / Math.sqrt(squares * own)
      if (cosine > alike) alike = cosine
    }
  }
  const at = prompts.findLastIndex(([known]) => known === prompt)
  return { times: at < 0 ? 0 : prompts[at]![1], ago: at < 0 ? Infinity : prompts.length - 1 - at, alike, last }
}

export function remember(memory: Memory, call: Call): void {
  const { prompts, places } = memory
  const at = prompts.findLastIndex(([known]) => known === call.prompt)
  const times = at < 0 ? 0 : prompts[at]![1]
  if (at >= 0) prompts.splice(at, 1)
  prompts.push([call.prompt, times + 1])
  if (prompts.length > promptsMax) prompts.shift()
  if (call.place !== undefined) {
    places.push(Array.from(call.place, (value) => Math.round(value * 1e3) / 1e3))
    if (places.length > placesMax) places.shift()
  }
  memory.last = {
    ms: Math.max(call.timeMs, memory.last?.ms ?? 0),
    latencyMs: call.latencyMs,
    inTokens: call.inTokens ?? -1,
    maxTokens: call.maxTokens ?? -1,
  }
}

/** How often this answer has come, as far as it is among the most frequent; takes note of it. */
export function countAnswer({ answers }: Memory, answer: number): number {
  const known = answers.find(([each]) => each === answer)
  if (known !== undefined) return known[1]++
  if (answers.length < answersMax) answers.push([answer, 1])
  else {
    for (const each of answers) each[1]--
    const left = answers.filter(([, count]) => count > 0)
    answers.splice(0, answers.length, ...left)
  }
  return 0
}

/**
 * How V8 collects garbage, for work that goes past much that stays.
 *
 * New objects are made among the young ones, all of them. V8 makes objects of a kind among the old ones from the start, once
 * most of those that it looked at outlived a collection of the young. Here the same kinds live for as long as a batch, which is
 * longer than that when much is handed on at once and mostly far shorter. Made among the old they wait for a collection of
 * everything, and keep whatever they refer to with them.
 *
 * Memory outside the heap, where detect keeps its accounts, counts with the heap. V8 goes through all that is kept
 * whenever it has grown by some ten megabytes, however much there is: of a million accounts every few seconds. Counted
 * with the heap, that is due when the two together have grown by a share of what they were.
 *
 * Switches of the whole process, its worker threads too. They change no result.
 */
import { setFlagsFromString } from 'node:v8'

export function tuneGarbageCollector(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}

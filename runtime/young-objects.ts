/**
 * Where new objects are made: among the young ones, all of them.
 *
 * V8 makes objects of a kind among the old ones from the start, once most of those that it looked at outlived a collection of
 * the young. Here the same kinds live for as long as a batch, which is longer than that when much is handed on at once and
 * mostly far shorter. Made among the old they wait for a collection of everything, and keep whatever they refer to with them.
 *
 * A switch of the whole process, its worker threads too. It changes no result.
 */
import { setFlagsFromString } from 'node:v8'

export function makeObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}

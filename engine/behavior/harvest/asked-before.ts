/**
 * Whether an account has asked a prompt before, among its last two thousand or so: a suite of tests runs again with each version.
 *
 * In pages, so that a prompt changes no more than one of them. One new prompt in 64 is taken for an old one.
 */
import type { GroupEntries } from '../types.ts'
import { markIn } from '../marks.ts'

const pages = 8
const pageSize = 256
const page = Buffer.alloc(pageSize)

/** `key`: 32 bits. */
export function wasAsked(entries: GroupEntries, key: number): boolean {
  const mixed = Math.imul(key ^ (key >>> 16), 0x45d9f3b) >>> 0
  const name = `asked/${mixed % pages}`
  page.fill(0)
  page.write(entries.get<string>(name) ?? '', 'base64')
  if (!markIn(page, key)) return true
  entries.set(name, page.toString('base64'))
  return false
}

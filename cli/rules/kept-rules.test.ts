import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { eventRules } from './kept-rules.ts'

function files(value = 'a') {
  return Array.from({ length: 200 }, (_, n) => ({
    path: `r${n}.yml`,
    text: `title: Rule ${n}\nlogsource: { product: p }\ndetection:\n  a: { f|re: '^${value}${n}', g: ${n} }\n  condition: ${n === 7 ? 'b' : 'a'}\nlevel: low\n`,
  }))
}

describe('compiled rules that are kept from one run to the next', () => {
  it('are the same rules and mistakes as compiled anew, and for their user alone', async () => {
    const folder = join(await temporaryFolder('kept'), 'rules')
    const anew = await eventRules(files(), false, folder)
    const first = await eventRules(files(), true, folder)
    const second = await eventRules(files(), true, folder)
    expect(anew.rules).toHaveLength(199)
    expect(anew.mistakes).toHaveLength(1)
    expect(first).toEqual(anew)
    expect(second).toEqual(anew)
    const [name, ...others] = readdirSync(folder)
    expect(others).toEqual([])
    expect([statSync(folder).mode & 0o77, statSync(join(folder, name!)).mode & 0o77]).toEqual([0, 0])
  })

  it('a change of one character in one rule compiles anew; of many sets the last ones stay', async () => {
    const folder = await temporaryFolder('kept')
    for (let n = 0; n < 10; n++) {
      const { rules } = await eventRules(files(`x${n}`), true, folder)
      expect(JSON.stringify(rules[0]!.condition)).toContain(`^x${n}0`)
    }
    expect(readdirSync(folder)).toHaveLength(8)
  })

  it('what is broken or cut off is compiled anew and put right', async () => {
    const folder = await temporaryFolder('kept')
    const whole = await eventRules(files(), true, folder)
    const path = join(folder, readdirSync(folder)[0]!)
    const kept = readFileSync(path, 'utf8')
    writeFileSync(path, kept.slice(0, kept.length / 2))
    expect(await eventRules(files(), true, folder)).toEqual(whole)
    expect(readFileSync(path, 'utf8')).toBe(kept)
  })

  it('a folder that can’t be made is done without', async () => {
    const file = join(await temporaryFolder('kept'), 'a-file')
    writeFileSync(file, '')
    expect((await eventRules(files(), true, join(file, 'rules'))).rules).toHaveLength(199)
  })
})

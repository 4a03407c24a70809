/** Puts generated traffic where `modelwarden evaluate` reads it. The truth is not among it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Generated } from './generate.ts'

export function write(folder: string, { history, files, context }: Generated): void {
  for (const { truth, records } of [history, ...files]) {
    writeFileSync(join(folder, truth.file), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  }
  writeFileSync(join(folder, 'context.json'), JSON.stringify(context))
}

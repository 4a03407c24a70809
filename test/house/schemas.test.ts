/**
 * The published JSON Schemas are generated from the runtime schemas: `npx vitest run test/house/schemas -u` writes them.
 */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Action } from '../../core/action.ts'
import { Asset } from '../../core/asset.ts'
import { Bundle } from '../../core/content.ts'
import { Control } from '../../core/control.ts'
import { DeadLetter } from '../../core/dead-letter.ts'
import { Decision } from '../../core/decision.ts'
import { Deed } from '../../core/deed.ts'
import { Event } from '../../core/event.ts'
import { Incident } from '../../core/incident.ts'
import { Leak } from '../../core/leak.ts'
import { Credential, License, LicenseRecord } from '../../core/license.ts'
import { RuleTally } from '../../core/rule-tally.ts'
import { Signal } from '../../core/signal.ts'
import { UsageRecord } from '../../core/usage.ts'

const schemas = {
  Action,
  Asset,
  Bundle,
  Control,
  Credential,
  DeadLetter,
  Decision,
  Deed,
  Event,
  Incident,
  Leak,
  License,
  LicenseRecord,
  RuleTally,
  Signal,
  UsageRecord,
}

describe('the JSON Schema in docs/schemas', () => {
  it.each(Object.entries(schemas))('of %s is the one that the runtime checks', async (name, schema) => {
    const file = name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
    const json = z.toJSONSchema(schema, { io: 'input' })
    await expect(`${JSON.stringify({ title: name, ...json }, null, 2)}\n`).toMatchFileSnapshot(
      `../../docs/schemas/${file}.schema.json`,
    )
  })
})

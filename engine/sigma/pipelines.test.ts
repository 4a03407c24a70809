import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { compileSigma } from './compile.ts'
import { createMatcher } from './matcher.ts'
import type { EventTree } from './types.ts'

interface Setting {
  readonly detection?: Record<string, unknown>
  readonly rule?: Record<string, unknown>
  readonly vars?: Record<string, unknown>
}

/** Compiles one rule with a pipeline of these items. */
function compileWith(items: readonly Record<string, unknown>[], { detection, rule, vars }: Setting = {}) {
  const compiled = compileSigma([
    {
      path: 'pipelines/p.yml',
      text: stringify({ name: 'p', ...(vars === undefined ? {} : { vars }), transformations: items }),
    },
    {
      path: 'r.yml',
      text: stringify({
        title: 'R',
        logsource: { product: 'windows', category: 'process_creation' },
        detection: { a: { Image: 'x' }, ...detection, condition: detection?.['condition'] ?? 'a' },
        ...rule,
      }),
    },
  ])
  return {
    ...compiled,
    codes: compiled.mistakes.map(({ code, place }) => `${code} ${place?.file}:${place?.line}`),
    matches: (event: EventTree): boolean => {
      let found = false
      createMatcher(compiled.rules, 'open').match(event, () => (found = true))
      return found
    },
  }
}

const map = (mapping: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: 'field_name_mapping',
  mapping,
  ...more,
})

describe('a pipeline that renames fields', () => {
  it('renames those of the detection, of references and of the list that analysts see', () => {
    const { matches, rules } = compileWith(
      [map({ Image: 'process.executable', Parent: 'process.parent.executable' })],
      {
        detection: { a: { 'Image|fieldref': 'Parent' } },
        rule: { fields: ['Image', 'User'] },
      },
    )
    expect(matches({ process: { executable: 'x', parent: { executable: 'X' } } })).toBe(true)
    expect(matches({ Image: 'x', Parent: 'x' })).toBe(false)
    expect(rules[0]!.meta.fields).toEqual(['process.executable', 'User'])
  })

  it('to several names finds the value in any of them, and in none when it is excluded', () => {
    const to = [map({ Image: ['a', 'b'] })]
    const { matches } = compileWith(to)
    expect([matches({ a: 'x' }), matches({ b: 'x' }), matches({ c: 'x' })]).toEqual([true, true, false])
    const excluded = compileWith(to, { detection: { a: { 'Image|neq': 'x' } } })
    expect([excluded.matches({ a: 'y', b: 'y' }), excluded.matches({ a: 'y', b: 'x' })]).toEqual([true, false])
  })

  it('gives keywords a field, in which they stand anywhere', () => {
    const { matches } = compileWith([map({ '': 'message' })], { detection: { a: ['needle'] } })
    expect([matches({ message: 'a Needle here' }), matches({ other: 'needle' })]).toEqual([true, false])
  })

  it('by prefix or suffix does so where its conditions on names hold, from the name\u2019s first character on', () => {
    const { matches } = compileWith(
      [
        {
          type: 'field_name_prefix',
          prefix: 'win.',
          field_name_conditions: [{ type: 'include_fields', mode: 're', fields: ['Im'] }],
        },
      ],
      { detection: { a: { Image: 'x', ParentImage: 'y' } } },
    )
    expect(matches({ win: { Image: 'x' }, ParentImage: 'y' })).toBe(true)
  })

  it('leaves alone what a later item excludes because an earlier one was applied', () => {
    const { matches } = compileWith(
      [
        map({ Image: 'image' }, { id: 'known' }),
        {
          type: 'field_name_prefix',
          prefix: 'raw.',
          field_name_cond_not: true,
          field_name_conditions: [{ type: 'processing_item_applied', processing_item_id: 'known' }],
        },
      ],
      { detection: { a: { Image: 'x', User: 'u' } } },
    )
    expect(matches({ image: 'x', raw: { User: 'u' } })).toBe(true)
  })
})

describe('a pipeline that changes values', () => {
  const value = (item: Record<string, unknown>, written: unknown, key = 'Image'): ReturnType<typeof compileWith> =>
    compileWith([item], { detection: { a: { [key]: written } } })

  it('replaces by an expression, with groups, in plain texts and around wildcards', () => {
    const item = { type: 'replace_string', regex: '^\\\\Device\\\\(\\w+)', replacement: '\\g<1>:' }
    expect(value(item, '\\Device\\C\\a.exe').matches({ Image: 'c:\\a.exe' })).toBe(true)
    const special = { type: 'replace_string', regex: 'a', replacement: 'b', skip_special: true }
    expect(value(special, 'a*a').matches({ Image: 'b anything b' })).toBe(true)
  })

  it('maps, sets, converts and spells in another case', () => {
    expect(value({ type: 'map_string', mapping: { x: ['y', 'z*'] } }, 'x').matches({ Image: 'zebra' })).toBe(true)
    expect(value({ type: 'set_value', value: 7 }, 'x').matches({ Image: 7 })).toBe(true)
    expect(value({ type: 'convert_type', target_type: 'num' }, '0x10').matches({ Image: 16 })).toBe(true)
    expect(value({ type: 'case', method: 'upper' }, 'x', 'Image|cased').matches({ Image: 'X' })).toBe(true)
    expect(
      value({ type: 'case', method: 'snake_case' }, 'DescribeKey', 'Image|cased').matches({ Image: 'describe_key' }),
    ).toBe(true)
  })

  it('makes expressions of texts that match the same', () => {
    for (const method of ['ignore_case_brackets', 'ignore_case_flag']) {
      const { matches } = value({ type: 'regex', method }, 'a.b*c?')
      expect([matches({ Image: 'A.B\n C1' }), matches({ Image: 'aXb c1' }), matches({ Image: '-a.b c1' })]).toEqual([
        true,
        false,
        false,
      ])
    }
    expect(value({ type: 'regex', method: 'plain' }, 'ab').matches({ Image: 'AB' })).toBe(false)
  })

  it('refuses a rule whose value can not be converted, in its own file', () => {
    expect(value({ type: 'convert_type', target_type: 'num' }, 'x').codes).toEqual(['SIGMA_VALUE_TYPE r.yml:7'])
  })

  it('takes hashes apart into a field for each algorithm', () => {
    const sha1 = 'A'.repeat(40)
    const { matches } = compileWith(
      [{ type: 'hashes_fields', valid_hash_algos: ['MD5', 'SHA1'], field_prefix: 'File' }],
      { detection: { a: { 'Hashes|contains': [`SHA1=${sha1}`, 'b'.repeat(32), 'IMPHASH=0'] } } },
    )
    expect([matches({ FileSHA1: sha1 }), matches({ FileMD5: 'b'.repeat(32) }), matches({ FileIMPHASH: '0' })]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('takes texts apart into fields by named groups', () => {
    const { matches } = compileWith(
      [{ type: 'extract_fields', regex: '(?P<type>\\w+):(?P<value>\\d+)', field_prefix: 'reg' }],
      {
        detection: { a: { Image: ['Dword:5', 'no match'] } },
      },
    )
    expect([matches({ reg: { type: 'dword', value: 5 } }), matches({ reg: { type: 'dword', value: 6 } })]).toEqual([
      true,
      false,
    ])
  })
})

describe('a pipeline that takes items out', () => {
  const drop = {
    type: 'drop_detection_item',
    field_name_conditions: [{ type: 'include_fields', fields: ['Provider'] }],
  }

  it('lets the rest of the rule decide, also where a whole selection is gone', () => {
    const { matches } = compileWith([drop], {
      detection: { a: { Image: 'x', Provider: 'p' }, b: { Provider: 'q' }, condition: 'a and not b' },
    })
    expect(matches({ Image: 'x' })).toBe(true)
  })

  it('refuses a rule of which nothing is left', () => {
    expect(compileWith([drop], { detection: { a: { Provider: 'p' } } }).codes).toEqual([
      'SIGMA_SELECTION_EMPTY r.yml:8',
    ])
  })

  it('only where values are as its conditions say', () => {
    const item = (condition: Record<string, unknown>): Record<string, unknown> => ({
      type: 'drop_detection_item',
      detection_item_conditions: [condition],
    })
    const detection = { a: { Image: 'x', User: [null, 'a*'] } }
    for (const condition of [
      { type: 'is_null', cond: 'any' },
      { type: 'contains_wildcard', cond: 'any' },
      { type: 'match_string', cond: 'any', pattern: 'a' },
      { type: 'match_value', cond: 'any', value: 'a*' },
    ]) {
      expect(compileWith([item(condition)], { detection }).matches({ Image: 'x', User: 'other' })).toBe(true)
      const all = compileWith([item({ ...condition, cond: 'all' })], { detection })
      expect(all.matches({ Image: 'x', User: 'other' })).toBe(false)
    }
  })
})

describe('a pipeline concerns', () => {
  const added = { type: 'add_condition', conditions: { Channel: 'c' } }
  const concerns = (
    conditions: unknown,
    more: Record<string, unknown> = {},
    rule: Record<string, unknown> = {},
  ): boolean => !compileWith([{ ...added, rule_conditions: conditions, ...more }], { rule }).matches({ Image: 'x' })

  it('rules of a log source, with a tag, a field, a value or an attribute', () => {
    expect(concerns([{ type: 'logsource', category: 'process_creation' }])).toBe(true)
    expect(concerns([{ type: 'logsource', product: 'linux' }])).toBe(false)
    expect(concerns([{ type: 'tag', tag: 'attack.t1003' }], {}, { tags: ['attack.t1003'] })).toBe(true)
    expect(concerns([{ type: 'contains_field', field: 'Image' }])).toBe(true)
    expect(concerns([{ type: 'contains_detection_item', field: 'Image', value: 'y' }])).toBe(false)
    expect(concerns([{ type: 'contains_detection_item', field: 'Image', value: 'x' }])).toBe(true)
    expect(
      concerns([{ type: 'rule_attribute', attribute: 'level', op: 'gte', value: 'high' }], {}, { level: 'critical' }),
    ).toBe(true)
    expect(
      concerns(
        [{ type: 'rule_attribute', attribute: 'date', op: 'lt', value: '2024-01-01' }],
        {},
        { date: '2024-05-01' },
      ),
    ).toBe(false)
    expect(concerns([{ type: 'is_sigma_correlation_rule' }])).toBe(false)
  })

  it('rules as its linking or its expression says', () => {
    const windows = { type: 'logsource', product: 'windows' }
    const linux = { type: 'logsource', product: 'linux' }
    expect(concerns([windows, linux])).toBe(false)
    expect(concerns([windows, linux], { rule_cond_op: 'or' })).toBe(true)
    expect(concerns([windows], { rule_cond_not: true })).toBe(false)
    expect(concerns({ w: windows, l: linux }, { rule_cond_expr: 'w and not l' })).toBe(true)
  })

  it('rules in a state that an earlier item set, also from within a nest', () => {
    const state = { type: 'processing_state', key: 'index', val: 'win' }
    const { matches } = compileWith([
      { type: 'nest', items: [{ type: 'set_state', key: 'index', val: 'win' }], id: 'outer' },
      { ...added, rule_conditions: [state, { type: 'processing_item_applied', processing_item_id: 'outer' }] },
    ])
    expect([matches({ Image: 'x' }), matches({ Image: 'x', Channel: 'C' })]).toEqual([false, true])
  })

  it('with what it adds renamed by the items that follow, and log source names filled in', () => {
    const { matches } = compileWith([
      map({ channel: 'no.such' }),
      { type: 'add_condition', template: true, conditions: { channel: ['$product/${category}'] } },
      map({ channel: 'log.channel' }),
    ])
    expect(matches({ Image: 'x', log: { channel: 'windows/process_creation' } })).toBe(true)
  })
})

describe('a pipeline that says what placeholders stand for', () => {
  const detection = { a: { 'Image|expand': '%one%' }, b: { 'User|expand': '%two%' }, condition: 'a and b' }

  it('has values for some, and anything for the rest', () => {
    const { matches } = compileWith(
      [
        { type: 'value_placeholders', include: ['one'] },
        { type: 'wildcard_placeholders', exclude: ['three'] },
      ],
      { detection, vars: { one: ['x', 'y*'] } },
    )
    expect([matches({ Image: 'Yes', User: 'u' }), matches({ Image: 'z', User: 'u' })]).toEqual([true, false])
  })

  it('refuses the rule for one that is left', () => {
    const { codes } = compileWith([{ type: 'wildcard_placeholders', exclude: ['two'] }], { detection })
    expect(codes).toEqual(['SIGMA_PLACEHOLDER_UNRESOLVED r.yml:9'])
  })
})

describe('a pipeline that refuses', () => {
  it('a rule, an item or an unmapped field does so in the rule\u2019s file', () => {
    const { codes } = compileWith([{ type: 'rule_failure', message: 'no' }])
    expect(codes).toEqual(['SIGMA_RULE_REFUSED r.yml:1'])
    expect(compileWith([{ type: 'detection_item_failure', message: 'no' }]).codes).toEqual([
      'SIGMA_RULE_REFUSED r.yml:7',
    ])
    const strict = [map({ Image: 'image' }), { type: 'strict_field_mapping_failure' }]
    expect(compileWith(strict).codes).toEqual([])
    expect(compileWith(strict, { detection: { a: { Image: 'x', User: 'u' } } }).codes).toEqual([
      'SIGMA_RULE_REFUSED r.yml:8',
    ])
  })

  it('is itself refused by name where it is about queries or the world outside', () => {
    for (const type of [
      'field_name_transform',
      'query_expression_placeholders',
      'file_placeholders',
      'http_placeholders',
      'command_placeholders',
      'made_up',
    ]) {
      const { mistakes, codes } = compileWith([{ type }])
      expect(codes).toEqual(['SIGMA_PIPELINE_INVALID pipelines/p.yml:3'])
      expect(mistakes[0]!.message).toContain(type)
    }
    const text = 'name: p\nfinalizers:\n  - { type: concat }\npostprocessing: []\n'
    const { mistakes } = compileSigma([{ path: 'pipelines/p.yml', text }])
    expect(mistakes.map(({ place }) => place?.line)).toEqual([2, 4])
  })

  it('is no way to make a rule so large that nobody can compile it', () => {
    const items = Array.from({ length: 40 }, () => ({ type: 'field_name_prefix_mapping', mapping: { '': ['a', 'b'] } }))
    expect(compileWith(items, { rule: { fields: ['f'] } }).codes).toEqual(['SIGMA_TOO_LARGE r.yml:7'])
  })
})

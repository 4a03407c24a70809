/** What a set of files compiles to, and how each mistake is told. */
import { describe, expect, it } from 'vitest'
import type { ContentFile } from '../../core/content.ts'
import { compileSigma } from './compile.ts'
import { createMatcher } from './matcher.ts'

const head = 'title: T\nlogsource: {product: p}\n'

function codes(...texts: readonly string[]): readonly string[] {
  return compileSigma(texts.map((text, index) => ({ path: `rule-${index}.yml`, text }))).mistakes.map(
    ({ code, place }) => `${code} ${place?.file.slice(5, 6)}:${place?.line}:${place?.column}`,
  )
}

describe('mistakes', () => {
  it.each([
    ['title: T\n', 'SIGMA_NOT_A_RULE 0:1:1'],
    ['- a\n', 'SIGMA_NOT_A_RULE 0:1:1'],
    ['logsource: {product: p}\ndetection: {s: {f: a}, condition: s}', 'SIGMA_META_INVALID 0:1:1'],
    [`${head}level: dire\ndetection: {s: {f: a}, condition: s}`, 'SIGMA_META_INVALID 0:3:8'],
    [`${head}modelwarden: {shdow: true}\ndetection: {s: {f: a}, condition: s}`, 'SIGMA_META_INVALID 0:3:15'],
    ['title: T\ndetection: {s: {f: a}, condition: s}', 'SIGMA_LOGSOURCE_INVALID 0:1:1'],
    [`${head}detection: {s: {f: a}}`, 'SIGMA_CONDITION_MISSING 0:3:12'],
    [`${head}detection: {s: {f: a}, condition: s and t}`, 'SIGMA_SELECTION_UNKNOWN 0:3:41'],
    [`${head}detection: {s: {f: a}, condition: s and}`, 'SIGMA_CONDITION_SYNTAX 0:3:40'],
    [`${head}detection: {s: {f: a}, condition: (s}`, 'SIGMA_CONDITION_SYNTAX 0:3:37'],
    [`${head}detection: {s: {f: a}, condition: 1 of t*}`, 'SIGMA_SELECTION_UNKNOWN 0:3:40'],
    [`${head}detection: {s: {f: a}, condition: 2 of s*}`, 'SIGMA_CONDITION_SYNTAX 0:3:35'],
    [`${head}detection: {s: {f: a}, condition: s | count() > 5}`, 'SIGMA_CONDITION_AGGREGATION 0:3:37'],
    [`${head}detection: {s: {}, condition: s}`, 'SIGMA_SELECTION_EMPTY 0:3:16'],
    [`${head}detection: {s: {f: []}, condition: s}`, 'SIGMA_SELECTION_EMPTY 0:3:20'],
    [`${head}detection: {s: {f: {g: a}}, condition: s}`, 'SIGMA_VALUE_TYPE 0:3:20'],
    [`${head}detection: {s: {f|contians: a}, condition: s}`, 'SIGMA_MODIFIER_UNKNOWN 0:3:17'],
    [`${head}detection: {s: {f|i: a}, condition: s}`, 'SIGMA_MODIFIER_MISUSED 0:3:22'],
    [`${head}detection: {s: {f|contains|re: a}, condition: s}`, 'SIGMA_MODIFIER_MISUSED 0:3:32'],
    [`${head}detection: {s: {f|base64: 'a*'}, condition: s}`, 'SIGMA_MODIFIER_MISUSED 0:3:27'],
    [`${head}detection: {s: {f|gt: many}, condition: s}`, 'SIGMA_VALUE_TYPE 0:3:23'],
    [`${head}detection: {s: {f|exists: maybe}, condition: s}`, 'SIGMA_VALUE_TYPE 0:3:27'],
    [`${head}detection: {s: {f|contains: null}, condition: s}`, 'SIGMA_MODIFIER_MISUSED 0:3:29'],
    [`${head}detection: {s: {f|re: ['a', '(b']}, condition: s}`, 'SIGMA_REGEX_INVALID 0:3:29'],
    [`${head}detection: {s: {f|re: '(?=a)b'}, condition: s}`, 'SIGMA_REGEX_INVALID 0:3:23'],
    [`${head}detection: {s: {f|re: '((a{1000}){1000}){9}'}, condition: s}`, 'SIGMA_REGEX_INVALID 0:3:23'],
    [`${head}detection: {s: {f|cidr: 10.0.0.0/33}, condition: s}`, 'SIGMA_CIDR_INVALID 0:3:25'],
    [`${head}detection: {s: {f|expand: 'x%admins%'}, condition: s}`, 'SIGMA_PLACEHOLDER_UNRESOLVED 0:3:27'],
    [`${head}detection: {s: {f: a, f: b}, condition: s}`, 'YAML_DUPLICATE_KEY 0:3:23'],
  ])('%s', (text, wanted) => {
    expect(codes(text)).toEqual([wanted])
  })

  it('are all told, in the order of the files, and leave the other rules usable', () => {
    const good = `${head}id: g\ndetection: {s: {f: a}, condition: s}`
    const bad = `${head}detection: {s: {f|re: '('}, t: {g|no: a}, condition: s or t or u}`
    const { rules, mistakes } = compileSigma([
      { path: 'b.yml', text: bad },
      { path: 'a.yml', text: `${good}\n---\n${bad}` },
    ])
    expect(rules.map(({ meta }) => meta.id)).toEqual(['g'])
    const wanted = ['SIGMA_REGEX_INVALID', 'SIGMA_MODIFIER_UNKNOWN', 'SIGMA_SELECTION_UNKNOWN']
    expect(mistakes.map(({ code, place }) => `${place?.file} ${code}`)).toEqual([
      ...wanted.map((code) => `a.yml ${code}`),
      ...wanted.map((code) => `b.yml ${code}`),
    ])
  })

  it('an id or a name taken twice is a mistake of the second', () => {
    const rule = (extra: string): string => `${head}${extra}\ndetection: {s: {f: a}, condition: s}`
    expect(codes(rule('id: x'), rule('id: x'))).toEqual(['SIGMA_ID_DUPLICATE 1:1:1'])
    expect(codes(rule('name: x'), rule('id: y\nname: x'))).toEqual(['SIGMA_NAME_DUPLICATE 1:1:1'])
  })
})

describe('metadata', () => {
  it('is read with its defaults, techniques come from tags, our own attribute is typed', () => {
    const { rules } = compileSigma([
      {
        path: 'r.yml',
        text: `${head}name: n
tags: [attack.t1078.004, atlas.aml.t0024.002, attack.exfiltration]
falsepositives: Backups
modelwarden: {shadow: true, join_on: [asset], risk: 40, entities: {model: [a.b, c]}}
detection: {s: {f: a}, condition: s}`,
      },
    ])
    expect(rules[0]!.meta).toMatchObject({
      id: 'n',
      name: 'n',
      status: 'experimental',
      level: 'medium',
      techniques: [
        { framework: 'attack', id: 'T1078.004' },
        { framework: 'atlas', id: 'AML.T0024.002' },
      ],
      falsepositives: ['Backups'],
      warden: {
        shadow: true,
        joinOn: ['asset'],
        risk: 40,
        entities: [
          { type: 'model', field: 'a.b' },
          { type: 'model', field: 'c' },
        ],
        scope: 'tenant',
      },
    })
  })

  it('the digest changes with what a rule finds or says, and with nothing else', () => {
    const digest = (text: string, path = 'r.yml'): string => compileSigma([{ path, text }]).rules[0]!.meta.digest
    const rule = `${head}id: r\ndetection: {s: {f: a}, condition: s}`
    expect(digest(`# comment\n${rule}`, 'other.yml')).toBe(digest(rule))
    expect(digest(rule.replace('f: a', 'f: b'))).not.toBe(digest(rule))
    expect(digest(`${rule}\nlevel: high`)).not.toBe(digest(rule))
  })
})

describe('log sources', () => {
  it('a rule meets the events that have what its log source names', () => {
    const rule = (id: string, source: string): string =>
      `title: T\nid: ${id}\nlogsource: ${source}\ndetection: {s: {f: a}, condition: s}\n`
    const { rules } = compileSigma([
      {
        path: 'r.yml',
        text: [
          rule('p', '{product: P}'),
          rule('ps', '{product: p, service: s}'),
          rule('c', '{category: c}'),
          rule('any', '{definition: x}'),
        ].join('---\n'),
      },
    ])
    const matcher = createMatcher(rules)
    const matched = (warden: unknown): string => {
      const ids: string[] = []
      matcher.match({ f: 'a', warden }, ({ meta }) => ids.push(meta.id))
      return ids.join(' ')
    }
    expect(matched({ logsource: { product: 'p', service: 's' } })).toBe('p ps any')
    expect(matched({ logsource: { product: 'p', category: 'c' } })).toBe('p c any')
    expect(matched({ logsource: { product: 'q' } })).toBe('any')
    expect(matched({ logsource: { product: 5 } })).toBe('any')
    expect(matched('x')).toBe('any')
  })
})

describe('pipelines', () => {
  const cloudtrail = {
    path: 'pipelines/aws-cloudtrail.yml',
    text: `name: CloudTrail
transformations:
  - {id: known, type: field_name_mapping, mapping: {sourceIPAddress: [source.ip, aws.cloudtrail.sourceIPAddress]}, rule_conditions: [{type: logsource, service: cloudtrail}]}
  - type: field_name_prefix
    prefix: aws.cloudtrail.
    rule_conditions: [{type: logsource, product: aws, service: cloudtrail}]
    field_name_conditions:
      - {type: processing_item_applied, processing_item_id: known}
      - {type: include_fields, fields: ['^(event|user)\\.', '^@timestamp$'], mode: re}
    field_name_cond_op: or
    field_name_cond_not: true
`,
  }
  const rule = {
    path: 'r.yml',
    text: `title: T
id: r
logsource: {product: aws, service: cloudtrail}
fields: [eventName]
detection:
  s: {eventName: StopLogging, event.outcome: success, sourceIPAddress|cidr: 10.0.0.0/8}
  r: {userIdentity.arn|fieldref: requestParameters.arn}
  condition: s and not r
`,
  }

  it('a public CloudTrail rule runs unmodified on our events', () => {
    const { rules, mistakes } = compileSigma([rule, cloudtrail])
    expect(mistakes).toEqual([])
    expect(rules[0]!.meta.fields).toEqual(['aws.cloudtrail.eventName'])
    const event = {
      warden: { logsource: { product: 'aws', service: 'cloudtrail' } },
      event: { outcome: 'success' },
      source: { ip: '10.0.0.1' },
      aws: { cloudtrail: { eventName: 'StopLogging', userIdentity: { arn: 'x' } } },
    }
    let count = 0
    const matcher = createMatcher(rules)
    matcher.match(event, () => count++)
    matcher.match(
      { ...event, aws: { cloudtrail: { ...event.aws.cloudtrail, requestParameters: { arn: 'x' } } } },
      () => count++,
    )
    expect(count).toBe(1)
  })

  it('leave rules of other log sources alone', () => {
    const other = { path: 'o.yml', text: `${head}fields: [eventName]\ndetection: {s: {eventName: a}, condition: s}` }
    expect(compileSigma([other, cloudtrail]).rules[0]!.meta.fields).toEqual(['eventName'])
  })

  it('resolve placeholders, change log sources, add conditions, refuse rules', () => {
    const text = `name: X
vars: {admins: [root, 'adm*']}
transformations:
  - {type: value_placeholders}
  - {type: change_logsource, service: new, rule_conditions: [{type: logsource, product: p}]}
  - {type: add_condition, conditions: {g: 1}, rule_conditions: [{type: logsource, service: new}]}
  - {type: rule_failure, message: Not here, rule_conditions: [{type: logsource, product: q}]}
`
    const { rules, mistakes } = compileSigma([
      { path: 'pipelines/x.yml', text },
      { path: 'r.yml', text: `${head}detection: {s: {f|expand: 'x-%admins%'}, condition: s}` },
      { path: 's.yml', text: `title: T\nlogsource: {product: q}\ndetection: {s: {f: a}, condition: s}` },
    ])
    expect(mistakes.map(({ code, message }) => [code, message])).toEqual([['SIGMA_RULE_REFUSED', 'Not here']])
    expect(rules[0]!.meta.logsource).toEqual({ service: 'new' })
    const matched = ['x-root', 'x-ADMIN', 'root'].map((f) => {
      let hit = false
      createMatcher(rules).match({ f, g: 1, warden: { logsource: { service: 'new' } } }, () => (hit = true))
      return hit
    })
    expect(matched).toEqual([true, true, false])
  })

  it('placeholders also stand in regular expressions and address blocks, whose backslashes stay', () => {
    const { rules, mistakes } = compileSigma([
      {
        path: 'pipelines/x.yml',
        text: 'name: X\nvars: {p: [a.b], n: [10.0.0.0/8, 11.0.0.0/8], none: []}\ntransformations: [{type: value_placeholders}]\n',
      },
      {
        path: 'r.yml',
        text: `${head}detection: {s: [{f|re|expand: '^%p%\\d$'}, {f|expand|re: '^x%p%\\d$'}, {f|expand|cidr: '%n%'}, {f|expand: '%none%'}], condition: s}`,
      },
    ])
    expect(mistakes).toEqual([])
    const matched = ['a.b1', 'axb1', 'xa.b1', 'xa.bd', '11.1.1.1', '12.1.1.1', ''].filter((f) => {
      let hit = false
      createMatcher(rules).match({ f, warden: { logsource: { product: 'p' } } }, () => (hit = true))
      return hit
    })
    expect(matched).toEqual(['a.b1', 'xa.b1', '11.1.1.1'])
  })

  it('a transformation that is not known is a mistake: half a mapping finds nothing', () => {
    const text = 'name: X\ntransformations:\n  - type: hash_fields\n'
    expect(compileSigma([{ path: 'pipelines/x.yml', text }]).mistakes).toMatchObject([
      { code: 'SIGMA_PIPELINE_INVALID', place: { line: 3 } },
    ])
  })
})

describe('filters', () => {
  const base = `title: T\nid: r\nlogsource: {product: p, service: s}\ndetection: {s: {f: a}, condition: s}\n`
  const filter = (rules: string, condition = 'not admins'): string =>
    `title: F\nlogsource: {product: p}\nfilter: {rules: ${rules}, admins: {u|startswith: adm_}, condition: ${condition}}\n`
  const hits = (rules: string, condition?: string, more: readonly ContentFile[] = []): string => {
    const compiled = compileSigma([
      { path: 'r.yml', text: base },
      { path: 'f.yml', text: filter(rules, condition) },
      ...more,
    ])
    expect(compiled.mistakes).toEqual([])
    const matcher = createMatcher(compiled.rules)
    return ['adm_x', 'x']
      .filter((u) => {
        let hit = false
        matcher.match({ f: 'a', u, warden: { logsource: { product: 'p', service: 's' } } }, () => (hit = true))
        return hit
      })
      .join(' ')
  }

  it('narrow the rules they name, or any of their log source', () => {
    expect(hits('[r]')).toBe('x')
    expect(hits('any')).toBe('x')
  })

  it("hide nothing of a rule whose pipeline can't take them", () => {
    for (const type of ['{type: detection_item_failure, message: no', '{type: drop_detection_item']) {
      const where = 'rule_conditions: [{type: logsource, service: s}]'
      const field = 'field_name_conditions: [{type: include_fields, fields: [u]}]'
      const pipeline = {
        path: 'pipelines/x.yml',
        text: `name: X\ntransformations:\n  - ${type}, ${where}, ${field}}\n`,
      }
      for (const condition of ['admins', 'not admins']) expect(hits('[r]', condition, [pipeline])).toBe('adm_x x')
    }
  })

  it('a rule that does not exist is a mistake', () => {
    expect(codes(base, filter('[nobody]'))).toEqual(['SIGMA_FILTER_INVALID 1:3:18'])
  })
})

describe('correlations', () => {
  const base = `title: B\nname: base\nlogsource: {product: p}\ndetection: {s: {f: a}, condition: s}\n---\n`
  const correlation = (block: string, extra = ''): string =>
    `title: C\nid: c\n${extra}correlation:\n${block.replace(/^/gm, '  ')}\n`
  const count = 'type: event_count\nrules: [base]\ngroup-by: [user]\ntimespan: 5m\ncondition: {gte: 3}'

  it('refer to a base rule that has a name and no id, which then makes no signal of its own', () => {
    const { rules, correlations, mistakes } = compileSigma([{ path: 'r.yml', text: base + correlation(count) }])
    expect(mistakes).toEqual([])
    expect(rules[0]).toMatchObject({ meta: { id: 'base' }, standalone: false })
    expect(correlations[0]).toMatchObject({
      type: 'event_count',
      timespanMs: 300_000,
      groupBy: ['user'],
      base: [{ kind: 'rule', id: 'base', groupFields: ['user'], valueFields: [] }],
      condition: [{ op: 'gte', value: 3 }],
      standalone: true,
    })
    const generated = compileSigma([{ path: 'r.yml', text: base + correlation(`${count}\ngenerate: true`) }])
    expect(generated.rules[0]!.standalone).toBe(true)
  })

  it('aliases give each base rule its own field', () => {
    const other = base.replace('name: base', 'name: other\nid: o')
    const block = `type: temporal\nrules: [base, o]\ngroup-by: [ip, user]\ntimespan: 10s\naliases: {ip: {base: source.ip, other: destination.ip}}`
    const { correlations, mistakes } = compileSigma([{ path: 'r.yml', text: base + other + correlation(block) }])
    expect(mistakes).toEqual([])
    expect(correlations[0]!.base.map(({ id, groupFields }) => [id, ...groupFields])).toEqual([
      ['base', 'source.ip', 'user'],
      ['o', 'destination.ip', 'user'],
    ])
    expect(correlations[0]!.condition).toEqual([{ op: 'gte', value: 2 }])
  })

  it('stand on correlations whose group they share', () => {
    const upper = correlation(`type: temporal_ordered\nrules: [lower, base]\ngroup-by: [user]\ntimespan: 1h`)
    const lower = correlation(count, 'name: lower\n').replace('id: c', 'id: l')
    const { correlations, mistakes } = compileSigma([{ path: 'r.yml', text: `${base}${lower}---\n${upper}` }])
    expect(mistakes).toEqual([])
    expect(correlations.map(({ meta, standalone }) => [meta.id, standalone])).toEqual([
      ['l', false],
      ['c', true],
    ])
  })

  it.each([
    [
      'type: event_count\nrules: [nobody]\ngroup-by: [u]\ntimespan: 5m\ncondition: {gte: 3}',
      'SIGMA_CORRELATION_REFERENCE 0:10:11',
    ],
    ['type: event_count\nrules: [c]\ntimespan: 5m\ncondition: {gte: 3}', 'SIGMA_CORRELATION_CYCLE 0:10:10'],
    ['type: event_count\nrules: [base]\ntimespan: 5x\ncondition: {gte: 3}', 'SIGMA_CORRELATION_INVALID 0:11:13'],
    ['type: event_count\nrules: [base]\ntimespan: 5m', 'SIGMA_CORRELATION_INVALID 0:9:3'],
    [
      'type: event_count\nrules: [base]\ntimespan: 5m\ncondition: {gte: 3, field: x}',
      'SIGMA_CORRELATION_INVALID 0:12:30',
    ],
    ['type: value_count\nrules: [base]\ntimespan: 5m\ncondition: {gte: 3}', 'SIGMA_CORRELATION_INVALID 0:12:14'],
    ['type: value_count\nrules: [base]\ntimespan: 5m\ncondition: {gte: 3000, field: x}', 'SIGMA_TOO_LARGE 0:12:14'],
    ['type: event_count\nrules: [base]\ntimespan: 5m\ncondition: {lt: 1}', 'SIGMA_CORRELATION_NEVER 0:12:14'],
    ['type: event_count\nrules: [base]\ntimespan: 5m\ncondition: {gt: 5, lt: 6}', 'SIGMA_CORRELATION_NEVER 0:12:14'],
    ['type: event_count\nrules: [base]\ntimespan: 40d\ncondition: {gte: 3}', 'SIGMA_CORRELATION_INVALID 0:11:13'],
    [
      'type: event_count\nrules: [base]\ntimespan: 5m\nwindow: sliding\ncondition: {gte: 3}',
      'SIGMA_CORRELATION_INVALID 0:12:3',
    ],
    [
      'type: event_count\nrules: [base]\ngroup-by: [ip]\naliases: {ip: {other: x}}\ntimespan: 5m\ncondition: {gte: 3}',
      'SIGMA_ALIAS_INVALID 0:12:13 SIGMA_ALIAS_INVALID 0:12:18',
    ],
    ['type: temporal\nrules: [base]\ntimespan: 5m', 'SIGMA_CORRELATION_INVALID 0:10:10'],
  ])('%s', (block, wanted) => {
    expect(codes(base + correlation(block)).join(' ')).toBe(wanted)
  })

  it('a field that a finding below does not carry is refused where it stands', () => {
    const lower = correlation(count, 'name: lower\n').replace('id: c', 'id: l')
    const upper = correlation(
      'type: value_count\nrules: [lower]\ntimespan: 5m\ngroup-by: [b]\ncondition:\n    field: c\n    gte: 3',
    )
    const { mistakes } = compileSigma([{ path: 'r.yml', text: `${base}${lower}---\n${upper}` }])
    expect(mistakes.map(({ message, place }) => `${place?.line} ${message}`)).toEqual([
      '22 The correlation "lower" does not group by "b".',
      '24 The correlation "lower" does not group by "c".',
    ])
    expect(mistakes.every(({ hint }) => hint !== undefined)).toBe(true)
  })

  it('one may stand on another that is decided only when its window is over', () => {
    const lower = correlation(count.replace('gte', 'lte'), 'name: lower\n').replace('id: c', 'id: l')
    const upper = correlation(count.replace('[base]', '[lower]'))
    expect(codes(`${base}${lower}---\n${upper}`)).toEqual([])
  })
})

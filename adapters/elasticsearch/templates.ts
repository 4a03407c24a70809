/**
 * The index templates: how each collection is stored.
 *
 * The document stands at the root, ECS in the case of events, so that Kibana and other tools of Elasticsearch find what they
 * expect. Beside it stands `modelwarden` with what our own searches need: the id and time to sort by, all words, and
 * two maps from field name to value for everything that has no type of its own.
 *
 * Promises: nothing in a document adds a field to the mapping (`dynamic: false`); a value that does not fit its field's
 * type is left out of that field and found through the maps (`ignore_malformed`); no text is too long to be stored.
 */
import { collections, type Collection } from '../../core/ports/search-index.ts'
import type { ElasticsearchSettings } from './config.ts'
import { indexLimits } from './config.ts'
import { placesOf, type FieldType, type Place } from './fields.ts'

/** Grows with each change of what follows; stands in the templates, where `doctor` reads it. */
export const templateVersion = 1

type Json = Readonly<Record<string, unknown>>

const keyword = { type: 'keyword', ignore_above: indexLimits.exactCharsMax } as const
const copied = { copy_to: 'modelwarden.words' } as const
/** Prefixes, and comparisons as text, need the text as it came. */
const withText = { fields: { keyword } } as const

const mappingOf: Readonly<Record<FieldType, Json>> = {
  keyword: { ...keyword, ...copied },
  ip: { type: 'ip', ignore_malformed: true, ...copied, ...withText },
  date: { type: 'date', format: 'strict_date_optional_time', ignore_malformed: true, ...withText },
  long: { type: 'long', coerce: false, ignore_malformed: true },
  double: { type: 'double', coerce: false, ignore_malformed: true },
  boolean: { type: 'boolean', ignore_malformed: true },
}

const beside: Json = {
  properties: {
    id: { type: 'keyword', index: false },
    time: { type: 'date', format: 'epoch_millis' },
    words: { type: 'text', analyzer: 'modelwarden_words', norms: false, index_options: 'docs' },
    text: { type: 'flattened', ignore_above: indexLimits.exactCharsMax },
    number: { type: 'flattened' },
    /** The document as text, where it can't stand at the root. */
    whole: { type: 'object', enabled: false },
  },
}

function propertiesOf(places: ReadonlyMap<string, Place>): Json {
  return Object.fromEntries(
    [...places].map(([name, place]) => [
      name,
      place.type === undefined ? { properties: propertiesOf(place.within) } : mappingOf[place.type],
    ]),
  )
}

/** The mapping of a collection. */
export function mappingsOf(collection: Collection): Json {
  return {
    dynamic: false,
    _meta: { modelwarden: { version: templateVersion } },
    properties: { ...propertiesOf(placesOf(collection)), modelwarden: beside },
  }
}

/** Words are runs of ASCII letters and digits and of everything past ASCII, as core/search-document.ts prepares them. */
const analysis: Json = {
  tokenizer: { modelwarden_words: { type: 'simple_pattern', pattern: '[a-zA-Z0-9\u0080-\u{10ffff}]+' } },
  filter: { modelwarden_cut: { type: 'truncate', length: 200 } },
  analyzer: {
    modelwarden_words: {
      type: 'custom',
      tokenizer: 'modelwarden_words',
      filter: ['lowercase', 'modelwarden_cut'],
    },
  },
}

export type Names = ReturnType<typeof namesFor>

/** What the indices are called. */
export function namesFor(prefix: string) {
  return {
    /** Everything that can be searched of a collection. */
    all: (collection: Collection): string =>
      collection === 'events' ? `${prefix}-events-*` : `${prefix}-${collection}`,
    /** `2026-03-01` -> the index of that day's events. */
    day: (day: string): string => `${prefix}-events-${day.replaceAll('-', '.')}`,
    late: `${prefix}-events-late`,
    template: (collection: Collection): string => `${prefix}-${collection}`,
    policy: `${prefix}-events`,
    /** The day of an index of events; undefined for the late one and for others'. */
    dayOf: (index: string): string | undefined => {
      const day = index.startsWith(`${prefix}-events-`) ? index.slice(prefix.length + 8) : ''
      return /^\d{4}\.\d\d\.\d\d$/.test(day) ? day.replaceAll('.', '-') : undefined
    },
  }
}

/** One template for each collection: name -> body of `PUT _index_template/<name>`. */
export function templates(settings: ElasticsearchSettings): ReadonlyMap<string, Json> {
  const names = namesFor(settings.prefix)
  const copies =
    settings.replicas === undefined ? { auto_expand_replicas: '0-1' } : { number_of_replicas: settings.replicas }
  return new Map(
    collections.map((collection) => [
      names.template(collection),
      {
        index_patterns: [names.all(collection)],
        priority: 500,
        version: templateVersion,
        _meta: { description: `Modelwarden: ${collection}` },
        template: {
          settings: { index: { number_of_shards: 1, ...copies, refresh_interval: '1s' }, analysis },
          mappings: mappingsOf(collection),
        },
      },
    ]),
  )
}

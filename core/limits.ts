/**
 * Every limit that more than one stage obeys, named with its unit.
 * A limit that a single module obeys stands in that module.
 */
export const limits = {
  /** A raw record on the bus; larger ones become dead letters at collect. */
  recordBytesMax: 1_000_000,
  /** Nesting of a raw record. */
  recordDepthMax: 64,
  /** Records that one envelope (array, `{"Records": […]}`, NDJSON body) may hold. */
  recordsPerEnvelopeMax: 100_000,
  /** Reckoned for a record that is being taken in, beside its own bytes. */
  recordOverheadBytes: 1_024,
  /** Characters kept of any one string field of an event. */
  fieldCharsMax: 8_192,
  /** Elements kept of any one array field of an event. */
  fieldItemsMax: 4_096,
  /** A principal, credential, asset or other entity id. */
  entityIdCharsMax: 512,
  /** How far past its append time a record may be dated. */
  futureMsMax: 5 * 60_000,
  /** The oldest event time taken, 2000-01-01: what is older is a broken clock, not a record. */
  eventTimeMsMin: 946_684_800_000,
  /** Default lateness allowed to a source's records. */
  latenessMs: 10 * 60_000,
  /** Bytes of the original kept in a dead letter. */
  deadLetterBytesMax: 65_536,
  /** Evidence references kept inline in a signal. */
  signalEvidenceMax: 50,
  /** Signals kept inline in an incident. */
  incidentSignalsMax: 100,
  /** Bytes of one content file. */
  contentFileBytesMax: 512 * 1024,
  /** Files of one content set. */
  contentFilesMax: 20_000,
} as const

/** Limits of every search index, so that what one stores and answers the other does too. */
export const searchLimits = {
  documentBytesMax: 2 * 1_048_576,
  idBytesMax: 512,
  /** Distinct dotted names in one document. */
  fieldsMax: 2_000,
  depthMax: 64,
  /** A longer text can be found by its words, not by its exact value. */
  exactCharsMax: 8_192,
  /** Characters of one document that are searched for words. */
  textCharsMax: 256 * 1_024,
  filterNodesMax: 500,
  filterDepthMax: 20,
  filterValuesMax: 1_000,
  queryWordsMax: 64,
  histogramBucketsMax: 10_000,
} as const

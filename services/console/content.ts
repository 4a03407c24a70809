/**
 * What is in force: `GET /v1/content` (sets, files, mistakes) and `GET /v1/content/file` (a file's text).
 *
 * The operator's alone: rules tell a thief what to stay below, and the inventory of one tenant is nobody else's to read.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Bundle } from '../../core/content.ts'
import { formatMistake } from '../../core/errors.ts'
import type { ContentReader } from '../../runtime/content/content-reader.ts'
import { HttpError } from '../../runtime/http/http-error.ts'
import { mountRoute } from '../../runtime/http/http-route.ts'
import { notFound } from './reads.ts'
import { checkOperator } from './query.ts'

export const contentSets = Bundle.shape.set.options
const roles = ['viewer', 'analyst', 'responder'] as const
const digest = z.string()
const place = z.strictObject({ file: z.string(), line: z.int(), column: z.int() })

/** Mistakes in a version that was not put in force, or that a stage can't use. */
export const ContentMistakes = z.array(
  z.strictObject({
    set: Bundle.shape.set,
    by: z.string(),
    digest,
    mistakes: z.array(
      z.strictObject({
        code: z.string(),
        message: z.string(),
        place: place.optional(),
        hint: z.string().optional(),
        text: z.string(),
      }),
    ),
  }),
)
const InForce = z.strictObject({
  set: Bundle.shape.set,
  digest: digest.nullable(),
  files: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
})

export function mountContent(app: FastifyInstance, content: ContentReader): void {
  mountRoute(app, {
    method: 'GET',
    url: '/v1/content',
    roles,
    summary: 'The sources, rules, playbooks and inventory in force, and what is wrong with newer ones',
    tag: 'content',
    answers: {
      200: {
        description: 'By set; `digest` is null where nothing was published yet.',
        schema: z.strictObject({ sets: z.array(InForce), mistakes: ContentMistakes }),
      },
    },
    handle: async ({ caller }) => {
      checkOperator(caller)
      const sets = await Promise.all(
        contentSets.map(async (set) => {
          const current = content.current(set)
          if (current === undefined) return { set, digest: null, files: [] }
          const { bundle } = await content.bundle(current)
          return { set, digest: current, files: bundle.files }
        }),
      )
      return { sets, mistakes: mistakesOf(content) }
    },
  })
  mountRoute(app, {
    method: 'GET',
    url: '/v1/content/file',
    roles,
    summary: 'The text of a file that is in force',
    tag: 'content',
    query: z.strictObject({ set: Bundle.shape.set, path: z.string().min(1).max(1_024) }),
    invalid: 'QUERY_INVALID',
    answers: {
      200: { description: 'The file.', schema: z.strictObject({ path: z.string(), text: z.string() }) },
      404: notFound,
    },
    handle: async ({ query, caller }) => {
      checkOperator(caller)
      const current = content.current(query.set)
      const files = current === undefined ? [] : (await content.bundle(current)).files
      const file = files.find(({ path }) => path === query.path)
      if (file !== undefined) return { path: file.path, text: file.text }
      throw new HttpError(404, 'NOT_FOUND', `No such file is in force among the ${query.set}.`)
    },
  })
}

/** What is wrong now, each mistake also as the line that a compiler would write. */
export function mistakesOf(content: ContentReader): z.infer<typeof ContentMistakes> {
  return content.mistakes().map(({ set, by, digest: of, mistakes }) => ({
    set,
    by,
    digest: of,
    mistakes: mistakes.map((mistake) => {
      const { code, message, place: at, hint } = mistake
      const text = formatMistake(mistake)
      return {
        code,
        message,
        ...(at === undefined ? {} : { place: at }),
        ...(hint === undefined ? {} : { hint }),
        text,
      }
    }),
  }))
}

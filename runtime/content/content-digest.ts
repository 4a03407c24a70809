/**
 * The digest that names a content set: the same files give the same digest, whoever publishes them.
 */
import type { Bundle, ContentFile } from '../../core/content.ts'
import type { ContentSet } from '../../core/control.ts'
import { canonicalDigest, sha256Hex } from '../../core/ids.ts'

/** Over the set's name and the paths and digests in path order, so that two sets never share a digest. */
export function bundleDigest(set: ContentSet, files: Bundle['files']): string {
  return canonicalDigest({ set, files: files.map(({ path, sha256 }) => [path, sha256]) })
}

/** The bundle of these files, in path order (code units: no locale). */
export function bundleOf(set: ContentSet, files: readonly ContentFile[]): Bundle {
  const listed = files
    .map(({ path, text }) => ({ path, sha256: sha256Hex(text) }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  return { set, digest: bundleDigest(set, listed), files: listed }
}

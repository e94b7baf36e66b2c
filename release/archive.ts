import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** One file of an archive; directories follow from the paths. */
export interface ArchiveFile {
  readonly path: string
  readonly content: string | Uint8Array
  readonly executable?: boolean
}

/**
 * Packs files into a .tar.gz whose bytes depend on nothing but the files: order, owner, times and header are fixed.
 * @param level zlib's; 0 (stored) gives the same bytes on every machine, others may differ between builds of zlib
 */
export async function packArchive(files: readonly ArchiveFile[], level: number): Promise<Uint8Array> {
  const archive = pack()
  const bytes = buffer(archive)
  for (const { path, content, executable } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const mode = executable ? 0o755 : 0o644
    archive.entry({ name: path, mode, mtime: new Date(0), uid: 0, gid: 0 }, Buffer.from(content))
  }
  archive.finalize()
  const compressed = gzipSync(await bytes, { level })
  // RFC 1952 section 2.3.1: this byte names the operating system; 255 is "unknown".
  compressed[9] = 255
  return compressed
}

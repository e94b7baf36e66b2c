import { randomFillSync, randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SystemCall } from './system-calls.ts'

/** A disk writes these whole or not at all. */
const SECTOR = 512

/** What becomes of what was written and not synced when the power goes. */
export const losses = ['none of it stays', 'all of it stays', 'some of it stays', 'it turns into garbage'] as const
export type Loss = (typeof losses)[number]

type Change = { readonly offset: number; readonly data: Buffer } | { readonly length: number }

interface Content {
  /** What is safe. */
  synced: Buffer
  /** What may be lost, in its order. */
  unsynced: Change[]
}

/**
 * A directory of files as a power cut may leave it: told of system calls, it knows what was synced. A file's name is safe only
 * when its directory was synced, fsync(2).
 */
export class UnsyncedDisk {
  readonly #directory: string
  readonly #files = new Map<string, Content>()
  #safeNames = new Map<string, Content>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Whether anything that was written to the file is not safe. */
  isUnsynced(path: string): boolean {
    return (this.#files.get(path)?.unsynced.length ?? 0) > 0
  }

  apply({ name, target, data, number, isCreating }: SystemCall): void {
    const content = this.#files.get(target)
    if (name === 'rename') throw new Error(`${target} is renamed: this disk knows nothing of that`)
    if (target === this.#directory && (name === 'fsync' || name === 'fdatasync')) this.#safeNames = new Map(this.#files)
    if (dirname(target) !== this.#directory) return
    if (name === 'openat' && isCreating && !content) this.#files.set(target, { synced: Buffer.alloc(0), unsynced: [] })
    if (name === 'unlink') this.#files.delete(target)
    if (!content) return
    if (name === 'pwrite64') content.unsynced.push({ offset: number, data })
    if (name === 'ftruncate') content.unsynced.push({ length: number })
    if (name === 'fsync' || name === 'fdatasync') {
      content.synced = content.unsynced.reduce(withChange, content.synced)
      content.unsynced = []
    }
  }

  /** Writes the files, as they are after a power cut, into a new directory. */
  async leave(directory: string, loss: Loss): Promise<void> {
    await mkdir(directory)
    for (const path of new Set([...this.#safeNames.keys(), ...this.#files.keys()])) {
      const content = pick(this.#safeNames.get(path), this.#files.get(path), loss)
      if (content) await writeFile(join(directory, path.slice(this.#directory.length + 1)), remains(content, loss))
    }
  }
}

function pick(safe: Content | undefined, latest: Content | undefined, loss: Loss): Content | undefined {
  if (loss === 'none of it stays') return safe
  return loss === 'all of it stays' || randomInt(2) === 0 ? latest : safe
}

function remains({ synced, unsynced }: Content, loss: Loss): Buffer {
  if (loss === 'none of it stays') return synced
  if (loss === 'all of it stays') return unsynced.reduce(withChange, synced)
  return unsynced.flatMap((change) => partsOf(change, loss)).reduce(withChange, synced)
}

/** What is left of one change: sectors come in any order, and a length may come without its content. */
function partsOf(change: Change, loss: Loss): Change[] {
  if ('length' in change) return randomInt(2) === 0 ? [] : [change]
  const { offset, data } = change
  const parts: Change[] = []
  for (let start = 0; start < data.length; ) {
    const end = Math.min(data.length, start + SECTOR - ((offset + start) % SECTOR))
    const part = Buffer.from(data.subarray(start, end))
    if (loss === 'it turns into garbage') parts.push({ offset: offset + start, data: randomFillSync(part) })
    else if (randomInt(2) === 0) parts.push({ offset: offset + start, data: part })
    start = end
  }
  return parts
}

function withChange(content: Buffer, change: Change): Buffer {
  if ('length' in change) {
    return Buffer.concat([content.subarray(0, change.length)], change.length)
  }
  const { offset, data } = change
  const length = Math.max(content.length, offset + data.length)
  const changed = length > content.length ? Buffer.concat([content], length) : Buffer.from(content)
  data.copy(changed, offset)
  return changed
}

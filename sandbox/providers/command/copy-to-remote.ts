import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { differences } from '../differences.ts'
import type { Context, Failure, Resource } from '../provider.ts'
import { isArchive, isAsset, type Properties, requiredText, text } from '../values.ts'
import { checkConnection, parseConnection } from './connection.ts'
import { uniqueId } from './output.ts'
import { withSession } from './session.ts'

function checkSource({ source, remotePath }: Properties): Failure[] {
  // sftp takes one command a line.
  if (/[\n\r]/.test(String(remotePath))) return [{ property: 'remotePath', reason: 'must be one line' }]
  if (isArchive(source)) {
    return [{ property: 'source', reason: 'the stand-in copies files, not directories: install the genuine provider' }]
  }
  if (!isAsset(source)) return []
  const { path, text } = source
  return path || text !== undefined ? [] : [{ property: 'source', reason: 'must be a file or a text' }]
}

async function copy(inputs: Properties, { signal }: Context<undefined>): Promise<void> {
  const { source } = inputs
  if (!isAsset(source)) throw new Error('The property "source" must be a file or a text')
  const remotePath = requiredText(inputs, 'remotePath')
  await withSession(parseConnection(inputs.connection), signal, async (session) => {
    const path = text(source, 'path')
    if (path) return session.upload(resolve(path), remotePath, signal)
    const file = join(session.directory, 'text')
    await writeFile(file, text(source, 'text') ?? '', { mode: 0o644 })
    return session.upload(file, remotePath, signal)
  })
}

export const copyToRemote: Resource<undefined> = {
  inputs: ['connection', 'source', 'remotePath', 'triggers'],
  forceNew: ['triggers'],
  computed: [],
  secretOutputs: ['connection'],
  check: (inputs) => [...checkConnection(inputs), ...checkSource(inputs)],

  async create(inputs, context) {
    await copy(inputs, context)
    return { id: uniqueId(''), outputs: inputs }
  },

  async update({ before, after }, context) {
    // Another connection alone moves nothing.
    const changed = differences(
      { source: before.source ?? null, path: before.remotePath ?? null },
      { source: after.source ?? null, path: after.remotePath ?? null },
    )
    if (changed.size > 0) await copy(after, context)
    return after
  },
}

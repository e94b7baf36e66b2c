import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { isRecent, locateEngine } from './locate.ts'

test('an engine is recent from 3.200 on', () => {
  for (const version of ['3.200.0', '3.265.1', '4.0.0', '3.200.0-alpha.1']) assert.ok(isRecent(version), version)
  for (const version of ['3.199.9', '2.300.0', '', 'v3.200.0', '3.x']) assert.ok(!isRecent(version), version)
})

describe('locateEngine', () => {
  const { PATH, PULUMI_HOME } = process.env
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skerry-locate-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))
  afterEach(() => {
    for (const [name, value] of Object.entries({ PATH, PULUMI_HOME })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })

  async function fakePulumi(folder: string, script: string): Promise<string> {
    const path = join(directory, folder, 'pulumi')
    await mkdir(join(directory, folder), { recursive: true })
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    return path
  }

  test('takes the one on PATH and says so', async () => {
    const pulumi = await fakePulumi('new', 'echo v3.210.1')
    process.env.PATH = `${join(directory, 'new')}:${PATH}`
    process.env.PULUMI_HOME = join(directory, 'none')
    const lines: string[] = []
    assert.deepEqual(await locateEngine((line) => lines.push(line)), { pulumi, version: '3.210.1', origin: 'PATH' })
    assert.deepEqual(lines, [`Pulumi 3.210.1 at ${pulumi}`])
  })

  test('passes over an old and a broken one, and takes the newest that npm has fetched', async () => {
    const old = await fakePulumi('old', 'echo v3.199.0')
    await fakePulumi('home/versions/3.201.0/bin', 'echo v3.201.0')
    const newest = await fakePulumi('home/versions/3.1000.0/bin', 'echo v3.1000.0')
    await fakePulumi('home/versions/3.100.0/bin', 'echo v3.100.0')
    process.env.PATH = `${join(directory, 'old')}:${PATH}`
    process.env.PULUMI_HOME = join(directory, 'home')
    const lines: string[] = []
    const report = (line: string) => lines.push(line)
    assert.deepEqual(await locateEngine(report), { pulumi: newest, version: '3.1000.0', origin: 'npm' })
    assert.equal(lines[0], `${old} has the version "3.199.0", and 3.200 or newer is needed: not used`)
    process.env.PATH = `${join(directory, 'broken')}:${PATH}`
    const broken = await fakePulumi('broken', 'exit 1')
    await locateEngine(report)
    assert.ok(lines.includes(`${broken} does not work: not used`))
  })

  test('without an engine and without Go says what to install', async () => {
    process.env.PATH = join(directory, 'empty')
    process.env.PULUMI_HOME = join(directory, 'none')
    await assert.rejects(
      locateEngine(() => {}),
      /there is no Go on PATH: install Go 1\.25 or newer \(https:\/\/go\.dev\/dl\)/,
    )
    const go = join(directory, 'go1', 'go')
    await mkdir(join(directory, 'go1'))
    await writeFile(go, '#!/bin/sh\necho go1.24.9\n', { mode: 0o755 })
    process.env.PATH = join(directory, 'go1')
    await assert.rejects(
      locateEngine(() => {}),
      /go1\.24\.9 is too old/,
    )
  })
})

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { packArchive } from '../release/archive.ts'

const launcher = new URL('files/skerry-release.sh', import.meta.url).pathname
const fixture = new URL('launcher-fixture.sh', import.meta.url).pathname

/** Why the launcher cannot be run here as it runs on a server; `false` when it can. */
export const missing: string | false =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs root on Linux'
    : !existsSync('/usr/bin/logger') || !existsSync('/usr/bin/systemctl')
      ? 'needs /usr/bin/logger and /usr/bin/systemctl'
      : spawnSync('unshare', ['--mount', 'true']).status !== 0
        ? 'needs the right to make a mount namespace'
        : false

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A server's directories in a place of their own, and the launcher among them. */
export class LauncherFixture {
  readonly root = mkdtempSync(join(tmpdir(), 'skerry-launcher-'))

  constructor(test: TestContext) {
    test.after(() => rmSync(this.root, { recursive: true, force: true }))
    for (const directory of [
      'etc/skerry',
      'opt/skerry/releases',
      'opt/skerry/runtimes',
      'run',
      'var/lib/skerry-incoming',
    ]) {
      mkdirSync(join(this.root, directory), { recursive: true })
    }
    writeFileSync(this.path('logger'), '#!/bin/sh\necho "$*" >>/run/audit\n', { mode: 0o755 })
    writeFileSync(this.path('systemctl'), '#!/bin/sh\necho skerry-broker.service loaded active running It\n', {
      mode: 0o755,
    })
  }

  path(path: string): string {
    return join(this.root, path)
  }

  read(path: string): string {
    return existsSync(this.path(path)) ? readFileSync(this.path(path), 'utf8') : ''
  }

  /** Uploads an archive under the hash that it has, or under the one given. */
  upload(
    kind: 'release' | 'runtime',
    archive: Uint8Array,
    hash = createHash('sha256').update(archive).digest('hex'),
  ): string {
    writeFileSync(this.path(`var/lib/skerry-incoming/${kind}-${hash}.tar.gz`), archive)
    return hash
  }

  /** A release whose `apply` is this script; it may write to /run/trace. */
  async uploadRelease(script: string): Promise<string> {
    const content = `#!/bin/bash\nset -eu\n${script}\n`
    return this.upload('release', await packArchive([{ path: 'apply', content, executable: true }], 0))
  }

  async uploadRuntime(content = 'node'): Promise<string> {
    return this.upload('runtime', await packArchive([{ path: 'bin/node', content, executable: true }], 6))
  }

  /** @param environment beside what sudo leaves of it */
  start(
    words: readonly string[],
    secrets = '{}',
    environment: Readonly<Record<string, string>> = {},
  ): { child: ChildProcess; ended: Promise<Ended> } {
    const command = ['--mount', '--propagation', 'private', fixture, this.root, 'bash', launcher, ...words]
    const env = { SUDO_USER: 'deploy', PATH: process.env.PATH, ...environment }
    const child = spawn('unshare', command, { cwd: '/', env })
    child.stdin.on('error', () => {})
    child.stdin.end(secrets)
    const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
    return { child, ended: ended.then(([[status], stdout, stderr]) => ({ status, stdout, stderr })) }
  }

  run(words: readonly string[], secrets?: string): Promise<Ended> {
    return this.start(words, secrets).ended
  }
}

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { execa } from 'execa'
import { type Engine, locateEngine } from './locate.ts'
import { type TestProgram, testProgram } from './program.ts'

/** Processes whose arguments or environment name the directory. */
async function processesOf(directory: string): Promise<string[]> {
  const { stdout } = await execa('ps', ['-ewwo', 'pid=,args='], { maxBuffer: 16 * 1024 * 1024 })
  return stdout.split('\n').filter((line) => line.includes(directory) && !line.includes('ps -ewwo'))
}

/** Waits for what must come true soon. */
async function eventually(condition: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 150; attempt++) {
    if (await condition()) return true
    await setTimeout(100)
  }
  return false
}

describe('the real engine with the stand-ins', { timeout: 900_000 }, () => {
  let engine: Engine
  let program: TestProgram
  before(async () => {
    engine = await locateEngine(() => {})
    program = await testProgram(engine)
    assert.equal((await program.pulumi('stack', 'init', 'test')).exitCode, 0)
  })
  after(() => program?.close())

  test('makes a key, a certificate and runs a command; again nothing; takes all away', async () => {
    const mark = join(program.directory, 'deleted')
    await program.write(`
import * as pulumi from '@pulumi/pulumi'
import * as tls from '@pulumi/tls'
import * as command from '@pulumi/command'
const word = new pulumi.Config().requireSecret('word')
const key = new tls.PrivateKey('key', { algorithm: 'ECDSA', ecdsaCurve: 'P256' })
const root = new tls.SelfSignedCert('root', {
  privateKeyPem: key.privateKeyPem, subject: { commonName: 'Root' }, allowedUses: ['cert_signing'], isCaCertificate: true, validityPeriodHours: 24,
})
const said = new command.local.Command('said', { create: 'cat', stdin: word, logging: 'none', delete: 'touch ${mark}' })
export const certificate = root.certPem
export const keyPem = key.privateKeyPem
export const out = said.stdout
console.log('printed by the program')
`)
    assert.equal((await program.pulumi('config', 'set', '--secret', 'word', 'open-sesame')).exitCode, 0)

    const preview = await program.pulumi('preview')
    assert.equal(preview.exitCode, 0, preview.output)
    assert.match(preview.output, /4 to create/)

    const up = await program.pulumi('up', '--yes', '--skip-preview')
    assert.equal(up.exitCode, 0, up.output)
    assert.match(up.output, /4 created/)
    assert.match(up.output, /printed by the program/)
    assert.ok(!up.output.includes('open-sesame') && !up.output.includes('PRIVATE KEY'), 'secrets do not show')

    const state = await readFile(join(program.instance.directory, 'state/.pulumi/stacks/trial/test.json'), 'utf8')
    assert.ok(!state.includes('open-sesame') && !state.includes('PRIVATE KEY'), 'secrets are encrypted in the state')
    const { output } = await program.pulumi('stack', 'output', '--json', '--show-secrets')
    const outputs = JSON.parse(output)
    assert.equal(outputs.out, 'open-sesame')
    assert.match(outputs.certificate, /^-----BEGIN CERTIFICATE-----/)

    const again = await program.pulumi('up', '--yes', '--skip-preview', '--expect-no-changes')
    assert.equal(again.exitCode, 0, again.output)
    assert.match(again.output, /4 unchanged/)
    const refresh = await program.pulumi('refresh', '--yes', '--skip-preview', '--expect-no-changes')
    assert.equal(refresh.exitCode, 0, refresh.output)

    const destroy = await program.pulumi('destroy', '--yes', '--skip-preview')
    assert.equal(destroy.exitCode, 0, destroy.output)
    assert.match(destroy.output, /4 deleted/)
    assert.ok(existsSync(mark), 'the command for the deletion has run')
  })

  test('replaces on a label that the program names, and ignores what it shall, without a request', async () => {
    const source = (data: string, generation: string) => `
import * as hcloud from '@pulumi/hcloud'
new hcloud.Server('server', { name: 'server', serverType: 'cx23', image: 'debian-13', userData: '${data}', labels: { generation: '${generation}' } },
  { ignoreChanges: ['userData', 'image'], replaceOnChanges: ['labels.generation'], deleteBeforeReplace: true })
`
    // A stack of its own, with a server in its state that no cloud knows.
    assert.equal((await program.pulumi('stack', 'init', 'imported')).exitCode, 0)
    assert.equal((await program.pulumi('config', 'set', '--secret', 'hcloud:token', 't'.repeat(64))).exitCode, 0)
    // Nobody answers there: a preview must not ask.
    assert.equal((await program.pulumi('config', 'set', 'hcloud:endpoint', 'http://127.0.0.1:9/v1')).exitCode, 0)
    const type = 'hcloud:index/server:Server'
    const urn = `urn:pulumi:imported::trial::${type}::server`
    const inputs = {
      name: 'server',
      serverType: 'cx23',
      image: 'debian-13',
      userData: 'a',
      labels: { generation: '1' },
    }
    const provider = 'urn:pulumi:imported::trial::pulumi:providers:hcloud::default_1_41_0'
    const deployment = {
      version: 3,
      deployment: {
        manifest: { time: new Date(0).toISOString(), magic: '', version: '' },
        resources: [
          {
            urn: 'urn:pulumi:imported::trial::pulumi:pulumi:Stack::trial-imported',
            custom: false,
            type: 'pulumi:pulumi:Stack',
          },
          {
            urn: provider,
            custom: true,
            id: 'p',
            type: 'pulumi:providers:hcloud',
            inputs: { version: '1.41.0' },
            outputs: { version: '1.41.0' },
          },
          {
            urn,
            custom: true,
            id: '11',
            type,
            inputs,
            outputs: inputs,
            parent: 'urn:pulumi:imported::trial::pulumi:pulumi:Stack::trial-imported',
            provider: `${provider}::p`,
          },
        ],
      },
    }
    const { exitCode, all } = await execa(engine.pulumi, ['stack', 'import', '--force'], {
      cwd: program.directory,
      env: program.environment,
      extendEnv: false,
      reject: false,
      all: true,
      input: JSON.stringify(deployment),
    })
    assert.equal(exitCode, 0, all)
    await program.write(source('b', '1'))
    const ignored = await program.pulumi('preview')
    assert.match(ignored.output, /2 unchanged/, ignored.output)
    await program.write(source('b', '2'))
    const replaced = await program.pulumi('preview', '--json')
    const steps: { op: string; urn: string }[] = JSON.parse(replaced.output).steps
    const ops = steps.filter((step) => step.urn === urn).map((step) => step.op)
    assert.deepEqual(ops, ['replace'])
    assert.equal((await program.pulumi('stack', 'select', 'test')).exitCode, 0)
  })

  test('fails with the message of a program that throws, and of one that cannot be read', async () => {
    await program.write(`throw new Error('no such luck')`)
    const thrown = await program.pulumi('preview')
    assert.notEqual(thrown.exitCode, 0)
    assert.match(thrown.output, /no such luck/)
    await program.write('const = 1')
    const unreadable = await program.pulumi('preview')
    assert.notEqual(unreadable.exitCode, 0)
    assert.match(unreadable.output, /SyntaxError|Expected ident|error/)
    await program.write('process.exit(7)')
    const ended = await program.pulumi('preview')
    assert.notEqual(ended.exitCode, 0)
    assert.match(ended.output, /The program ended with exit code 7/)
  })

  test('refuses a wrong token at the preview, before any request', async () => {
    await program.pulumi('config', 'set', '--secret', 'hcloud:token', 'short')
    await program.write(`
import * as hcloud from '@pulumi/hcloud'
new hcloud.SshKey('key', { publicKey: 'ssh-ed25519 AAAA' })
`)
    const { exitCode, output } = await program.pulumi('preview')
    assert.notEqual(exitCode, 0)
    assert.match(output, /exactly 64 characters/)
    await program.pulumi('config', 'rm', 'hcloud:token')
  })

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test(`leaves no process when ${signal} ends it in the middle`, async () => {
      const started = join(program.directory, `started-${signal}`)
      await program.write(`
import { writeFileSync } from 'node:fs'
import * as tls from '@pulumi/tls'
new tls.PrivateKey('key', { algorithm: 'ED25519' }).id.apply(() => writeFileSync(${JSON.stringify(started)}, ''))
setInterval(() => {}, 1000)
`)
      const child = execa(engine.pulumi, ['--non-interactive', 'up', '--yes', '--skip-preview'], {
        cwd: program.directory,
        env: program.environment,
        extendEnv: false,
        reject: false,
        stdio: 'ignore',
      })
      assert.ok(await eventually(async () => existsSync(started)), 'the program has started')
      assert.notEqual((await processesOf(program.directory)).length, 0)
      child.kill(signal)
      const result = await child
      assert.notEqual(result.exitCode, 0)
      const gone = await eventually(async () => (await processesOf(program.directory)).length === 0)
      assert.ok(gone, (await processesOf(program.directory)).join('\n'))
      // A killed engine leaves its lock on the state.
      if (signal === 'SIGKILL') await program.pulumi('cancel', '--yes')
    })
  }
})

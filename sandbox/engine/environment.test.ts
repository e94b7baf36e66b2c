import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { sandboxInstance } from '../instance.ts'
import { pulumiEnvironment } from './environment.ts'

describe('pulumiEnvironment', () => {
  const inherited = { ...process.env }
  let directory: string
  let engine: { pulumi: string; version: string; origin: 'built' }
  const instance = () => ({ ...sandboxInstance(0), directory: join(directory, "it's run") })
  const plugins = () => readdir(join(instance().directory, 'pulumi', 'plugins'))
  const make = () => pulumiEnvironment({ instance: instance(), engine })
  const executable = async (path: string) => {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, '#!/bin/sh\n', { mode: 0o755 })
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skerry-environment-test-'))
    engine = { pulumi: join(directory, 'engine', 'pulumi'), version: '3.200.0', origin: 'built' }
    await executable(engine.pulumi)
    process.env.PATH = '/usr/bin:/bin'
    process.env.PULUMI_HOME = join(directory, 'home')
  })
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in inherited)) delete process.env[name]
    Object.assign(process.env, inherited)
    await rm(directory, { recursive: true, force: true })
  })

  test('keeps state, home, passphrase and temporary files in the run directory', async () => {
    const environment = await make()
    const run = instance().directory
    assert.equal(environment.PULUMI_HOME, join(run, 'pulumi'))
    assert.equal(environment.PULUMI_BACKEND_URL, `file://${join(run, 'state')}?metadata=skip`)
    assert.equal(environment.PULUMI_CONFIG_PASSPHRASE_FILE, join(run, 'passphrase'))
    assert.equal(environment.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION, 'true')
    assert.equal(environment.TMPDIR, join(run, 'tmp'))
    for (const name of ['state', 'pulumi', 'tmp']) assert.equal((await stat(join(run, name))).mode & 0o777, 0o700, name)
  })

  test('lets nothing through that points at a real account', async () => {
    const foreign = {
      HCLOUD_TOKEN: 'a',
      CLOUDFLARE_API_TOKEN: 'b',
      CF_API_KEY: 'c',
      PULUMI_ACCESS_TOKEN: 'd',
      PULUMI_CONFIG_PASSPHRASE: 'e',
    }
    Object.assign(process.env, foreign, { SKERRY_TEST_KEPT: 'yes' })
    const environment = await make()
    for (const name of Object.keys(foreign)) assert.equal(environment[name], undefined, name)
    assert.equal(environment.SKERRY_TEST_KEPT, 'yes')
  })

  test('installs a stand-in for everything that is not there, startable from any path', async () => {
    await make()
    assert.deepEqual((await plugins()).sort(), [
      'language-nodejs-v3.200.0',
      'resource-cloudflare-v6.22.1',
      'resource-command-v1.2.1',
      'resource-hcloud-v1.41.0',
      'resource-tls-v5.6.1',
    ])
    const wrapper = join(instance().directory, 'pulumi/plugins/resource-tls-v5.6.1/pulumi-resource-tls')
    assert.match(await readFile(wrapper, 'utf8'), /^#!\/bin\/sh\nexec '\/.*main\.ts' 'tls' "\$@"\n$/)
  })

  test('takes the genuine plugin of the user, in the pinned version only', async () => {
    const genuine = join(directory, 'home/plugins/resource-hcloud-v1.41.0/pulumi-resource-hcloud')
    await executable(genuine)
    await executable(join(directory, 'home/plugins/resource-tls-v5.6.0/pulumi-resource-tls'))
    await make()
    const wrapper = (name: string, version: string) =>
      readFile(
        join(instance().directory, `pulumi/plugins/resource-${name}-v${version}/pulumi-resource-${name}`),
        'utf8',
      )
    assert.ok((await wrapper('hcloud', '1.41.0')).includes(`exec '${genuine}' "$@"`))
    assert.match(await wrapper('tls', '5.6.1'), /main\.ts/)
  })

  test('leaves alone what is on PATH or beside the engine', async () => {
    await executable(join(directory, 'bin', 'pulumi-resource-command'))
    await executable(join(directory, 'engine', 'pulumi-language-nodejs'))
    process.env.PATH = `${join(directory, 'bin')}:${process.env.PATH}`
    await make()
    const names = await plugins()
    assert.ok(!names.some((name) => /command|language/.test(name)), names.join())
  })
})

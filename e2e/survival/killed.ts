import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { zoneId } from '../../sandbox/cloud/cloudflare/zones.ts'
import { sandboxFiles } from '../../sandbox/files.ts'
import { instanceCgroup } from '../../sandbox/machine/cgroup.ts'
import { ask, countAtHetzner, type Fault, faultsHappened, forgetFaults, plan } from '../cloud.ts'
import { leave, visitAll } from '../families.ts'
import { killUpWhen, releaseIsOnTheWay } from '../interruption.ts'
import { instance, run, tryToRun, up } from '../sandbox.ts'
import { changeSetting, pendingOperations, pulumiUp } from '../stack.ts'
import { destroy } from './end.ts'

const minute = 60_000

/** A moment of `up`: it is held there by APIs that do not answer, or it is seen from outside. */
interface Moment {
  readonly hold?: readonly Fault[]
  readonly hasCome?: () => Promise<unknown>
  /** What the command then says that it has taken into the stack. */
  readonly adopts?: readonly string[]
}

const asked = (api: Fault['api'], path: string, body: Fault['body'] = {}, method = 'POST') => ({
  ...{ api, method, path, body },
})
/** The API has not done it when the engine dies. */
const notDone = (request: ReturnType<typeof asked>): Fault => ({ ...request, answer: 'timeout' })
/** The API has done it, and the engine has not heard of it. */
const done = (request: ReturnType<typeof asked>): Fault => ({ ...request, answer: 'silent' })

const records = '/client/v4/zones/*/dns_records'
const record = (type: string) => asked('cloudflare', records, { type })
const address = (type: string) => asked('hetzner', '/v1/primary_ips', { type })
const servers = asked('hetzner', '/v1/servers')

const onDisk = (...path: string[]) => globSync(join(instance.directory, ...path))

const serverBoots: Moment = {
  hasCome: async () => {
    const group = join(await instanceCgroup(instance), 'guest-*', 'machine', 'payload', 'init.scope')
    assert.notDeepEqual(globSync(group), [])
  },
}

/** In the order in which they come while all is made from nothing: each `up` goes on from what the one before left. */
const moments: Readonly<Record<string, Moment>> = {
  'the engine has taken the stack': {
    hasCome: async () => assert.notDeepEqual(onDisk('state', '.pulumi', 'locks', '**', '*.json'), []),
  },
  'the APIs are asked what the tokens may do': {
    hold: [notDone(asked('hetzner', '/v1/ssh_keys')), notDone(asked('cloudflare', records))],
  },
  'SSH key, firewall, address and CAA record have been made': {
    hold: [
      done(asked('hetzner', '/v1/ssh_keys', { name: instance.hostname })),
      done(asked('hetzner', '/v1/firewalls')),
      done(address('ipv4')),
      done(record('CAA')),
    ],
    adopts: ['SshKey deploy', 'Firewall firewall', 'PrimaryIp ipv4', 'DnsRecord caa'],
  },
  'the second address, the volume and the A record have been made': {
    hold: [done(address('ipv6')), done(asked('hetzner', '/v1/volumes')), done(record('A'))],
    adopts: ['PrimaryIp ipv6', 'Volume data', 'DnsRecord a'],
  },
  'the AAAA record is being made': { hold: [notDone(record('AAAA'))] },
  'the server is being ordered': { hold: [notDone(servers)] },
  'the server has been ordered': { hold: [done(servers)], adopts: ['Server server'] },
  'the volume has been attached': {
    hold: [done(asked('hetzner', '/v1/volumes/*/actions/attach'))],
    adopts: ['VolumeAttachment data'],
  },
  'the release is on the way': { hasCome: releaseIsOnTheWay },
  'the release is being applied': {
    hasCome: async () => assert.notDeepEqual(onDisk('servers', '*', 'upper', 'etc', 'skerry', 'made', '*'), []),
  },
}

export function killed() {
  describe('an up that is killed when', { timeout: 15 * minute }, () => {
    after(forgetFaults)

    test('nothing is there, not even what was protected: so it begins', async () => {
      // As docs/state.md says for good.
      await changeSetting('skerry:protect', 'false')
      await pulumiUp()
      await run(['pulumi', 'destroy', '--yes', '--skip-preview'])
      await changeSetting('skerry:protect', 'true')
    })

    for (const [name, moment] of Object.entries(moments)) {
      test(`${name}: one command puts the state in order`, () => killAndRecover(moment))
    }

    test('and after ten of them the next one makes the rest, nothing twice', async () => {
      await standsAgain()
      for (const kind of ['volumes', 'primary_ips']) await assertProtected(kind)
    })

    test('its server boots: the next one goes on with that server', async () => {
      await destroy()
      await killAndRecover({ ...serverBoots, adopts: ['Server server'] })
      await standsAgain()
    })

    test('the old server has been deleted for another generation, and again when the new one has been ordered', async () => {
      const { stdout } = await tryToRun(['pulumi', 'config', 'get', 'skerry:generation'])
      await changeSetting('skerry:generation', String(Number(stdout || 1) + 1))
      await killAndRecover({ hold: [done(asked('hetzner', '/v1/servers/*', {}, 'DELETE'))] })
      await killAndRecover({ hold: [done(servers)], adopts: ['Server server'] })
      await standsAgain()
    })

    test('nothing is pending: the command says so and leaves everything as it is', async () => {
      assert.match((await run(['recover'])).stdout, /Nothing is pending: the state is in order/)
      await run(['pulumi', 'preview', '--expect-no-changes'])
    })
  })
}

async function killAndRecover({ hold = [], hasCome = faultsHappened, adopts = [] }: Moment): Promise<void> {
  for (const fault of hold) await plan(fault)
  await killUpWhen(hasCome)
  // It will never come back for it: no need to wait until the lock is stale.
  await rm(sandboxFiles(instance).lock, { recursive: true, force: true })
  // As docs/existing-world.md says.
  const { stdout } = await run(['recover'])
  assert.match(stdout, /state is in order/)
  for (const name of adopts) assert.match(stdout, new RegExp(`^${name}: is there \\(id \\w+\\), taken`, 'm'))
  assert.deepEqual(await pendingOperations(), [])
}

async function standsAgain(): Promise<void> {
  await up()
  await leave(await visitAll())
  await run(['pulumi', 'preview', '--expect-no-changes'])
  assert.deepEqual(await countAtHetzner(['servers', 'firewalls', 'ssh_keys', 'volumes', 'primary_ips']), {
    ...{ servers: 1, firewalls: 1, ssh_keys: 1, volumes: 1 },
    primary_ips: 2,
  })
  const { body } = await ask('cloudflare', 'GET', `/client/v4/zones/${zoneId(instance.zone)}/dns_records`)
  const found = (body.result as { type: string }[]).map(({ type }) => type)
  assert.deepEqual(found.sort(), ['A', 'AAAA', 'CAA'])
}

/** Of what was made by an `up` that did not come to protecting it. */
async function assertProtected(kind: string): Promise<void> {
  const { body } = await ask('hetzner', 'GET', `/v1/${kind}`)
  for (const { protection } of body[kind] as { protection: unknown }[]) assert.deepEqual(protection, { delete: true })
}

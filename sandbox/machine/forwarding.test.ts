import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execa } from 'execa'
import { noTrialBecause } from './trial.ts'

const skip = (await noTrialBecause()) ?? false

/** In network and mount namespaces of its own, with a /run of its own; prints the settings after each step. */
const script = `
  import { readFileSync, writeFileSync } from 'node:fs'
  import { execa } from 'execa'
  import { sandboxInstance } from '../instance.ts'
  import { forwardingLeft, startForwarding, stopForwarding } from './forwarding.ts'
  const ipv6 = (path) => '/proc/sys/net/ipv6/conf/' + path
  const settings = ['/proc/sys/net/ipv4/ip_forward', ...['all/forwarding', 'up0/forwarding', 'up0/accept_ra', 'own0/forwarding', 'own0/accept_ra'].map(ipv6)]
  const steps = {}
  const note = (step) => { steps[step] = settings.map((path) => readFileSync(path, 'utf8').trim()).join(' ') }
  const [one, other] = [sandboxInstance(1), sandboxInstance(2)]
  const announce = (instance) => async () => void (await execa('nft', ['add', 'table', 'inet', instance.name]))
  const leave = async (instance) => {
    await execa('nft', ['delete', 'table', 'inet', instance.name])
    await stopForwarding(instance)
  }
  await execa('ip', ['link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'own0'])
  // A new network namespace begins with what the host has.
  for (const path of [settings[0], ipv6('all/forwarding')]) writeFileSync(path, '0')
  writeFileSync(ipv6('up0/accept_ra'), '1')
  writeFileSync(ipv6('own0/accept_ra'), '0')
  writeFileSync(ipv6('own0/forwarding'), '1')
  note('before')
  await startForwarding(announce(one))
  await startForwarding(announce(other))
  note('both')
  await leave(one)
  note('other')
  steps.left = await forwardingLeft(other)
  await leave(other)
  note('after')
  steps.none = await forwardingLeft(other)
  console.log(JSON.stringify(steps))
`

test('the last sandbox that goes gives the host its settings back, and routers are heard meanwhile', {
  skip,
}, async () => {
  const node = [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--input-type=module-typescript',
    '--eval',
    script,
  ]
  const inside = ['sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh', ...node]
  const { stdout } = await execa('unshare', ['--net', '--mount', ...inside], { cwd: import.meta.dirname })
  const forwarding = '1 1 1 2 1 0'
  assert.deepEqual(JSON.parse(stdout), {
    before: '0 0 0 1 1 0',
    both: forwarding,
    other: forwarding,
    left: ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'],
    after: '0 0 0 1 1 0',
    none: [],
  })
})

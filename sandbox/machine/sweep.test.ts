import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { ServerOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { cgroupProcesses, instanceCgroup, makeCgroup } from './cgroup.ts'
import { addOutsider, edgeUp } from './network.ts'
import { leftovers, sweep } from './sweep.ts'
import { claimInstance, eventually, noTrialBecause } from './trial.ts'

const skip = (await noTrialBecause()) ?? false

describe('a sweep', { skip }, () => {
  test('removes what a killed data centre left, its servers running and half made', async () => {
    const instance = await claimInstance()
    try {
      const group = await instanceCgroup(instance)
      const child = inProcess(
        `
        import { createDatacenter } from './datacenter.ts'
        const datacenter = await createDatacenter(instance, () => {})
        await datacenter.createServer(${order(instance, 10)})
        await datacenter.createVolume({ id: 7, size: 10, format: null })
        await datacenter.attachVolume(7, 10, false)
        await Promise.all([${order(instance, 11)}, ${order(instance, 12)}].map((order) => datacenter.createServer(order)))
      `,
        instance,
      )
      const said = text(child.stderr)
      const ended = once(child, 'exit')
      const second = eventually(async () => assert.notDeepEqual(await cgroupProcesses(join(group, 'guest-11')), []))
      await Promise.race([second, ended.then(async () => assert.fail(`it ended before it was killed: ${await said}`))])
      child.kill('SIGKILL')
      await ended
      await addOutsider(instance, instance.edge.replace(/\d+$/, '200'))

      const kinds = new Set((await leftovers(instance)).map((name) => name.split(' ')[0]))
      for (const kind of ['process', 'control', 'loop', 'network', 'link', 'nft', 'address', 'route', 'directory']) {
        assert.ok(kinds.has(kind), `${kind} is found before the sweep`)
      }
      await sweep(instance)
      assert.deepEqual(await leftovers(instance), [])
      await sweep(instance)
    } finally {
      await sweep(instance)
    }
  })

  test('leaves the neighbour its network', async () => {
    const [one, other] = [await claimInstance(), await claimInstance()]
    try {
      await edgeUp(one)
      await edgeUp(other)
      const before = await leftovers(other)
      await sweep(one)
      assert.deepEqual(
        (await leftovers(other)).filter((name) => !name.startsWith('setting')),
        before,
      )
      assert.equal((await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8')).trim(), '1')
    } finally {
      await sweep(one)
      await sweep(other)
    }
  })

  test('is refused to a process that it would end', async () => {
    const instance = await claimInstance()
    try {
      const group = join(await instanceCgroup(instance), 'inside')
      await makeCgroup(group)
      const child = inProcess(
        `
        import { once } from 'node:events'
        import { sweep } from './sweep.ts'
        await once(process.stdin, 'data')
        await sweep(instance)
      `,
        instance,
      )
      await writeFile(join(group, 'cgroup.procs'), String(child.pid))
      child.stdin.end('go')
      const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
      assert.equal(code, 1)
      assert.match(said, /cannot be removed by one of its own processes/)
    } finally {
      await sweep(instance)
    }
  })
})

/** Runs a module in a process of its own, with `instance` at hand. */
function inProcess(module: string, instance: Instance) {
  const code = `import { sandboxInstance } from '../instance.ts'
    const instance = sandboxInstance(${instance.number})
    ${module}`
  return spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], { cwd: import.meta.dirname })
}

function order(instance: Instance, id: number): string {
  const given: ServerOrder = {
    ...{ id, name: `trial-${id}`, image: 'debian-13', userData: '#cloud-config\n', sshKeys: [], rules: [] },
    ipv6: null,
    ipv4: instance.edge.replace(/\d+$/, `${id}`),
  }
  return JSON.stringify(given)
}

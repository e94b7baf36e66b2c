import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Datacenter, FirewallRule, ServerOrder } from '../cloud/datacenter.ts'
import { edgePorts, type Instance } from '../instance.ts'
import { fetchAcmeRoots } from './acme.ts'
import { cgroupProcesses, instanceCgroup } from './cgroup.ts'
import { createDatacenter } from './datacenter.ts'
import { addOutsider, outsiderIpv6, removeOutsider } from './network.ts'
import { leftovers, sweep } from './sweep.ts'
import { claimInstance, eventually, knock, knockFrom, noTrialBecause, sshKey, standingConnection } from './trial.ts'

const skip = (await noTrialBecause()) ?? false
const device = '/dev/disk/by-id/scsi-0HC_Volume_7'
const mounted = '/mnt/HC_Volume_7'

describe('a data centre on this host', { skip }, () => {
  let instance: Instance
  let datacenter: Datacenter
  let order: ServerOrder
  let ipv6: string
  let outsider: string
  let shell: (command: string) => Promise<string>
  const services: Server[] = []

  before(async () => {
    instance = await claimInstance()
    datacenter = await createDatacenter(instance, console.log)
    for (const port of [edgePorts.hetzner, edgePorts.metadata]) services.push(await serve(instance.edge, port))
    const { publicKey, run } = await sshKey(instance.directory)
    order = {
      id: 5,
      name: 'trial',
      image: 'debian-13',
      ipv4: instance.edge.replace(/\d+$/, '10'),
      ipv6: instance.network6.replace('::/48', ':10::'),
      userData: await readFile(join(import.meta.dirname, 'trial.user-data.yaml'), 'utf8'),
      sshKeys: [publicKey],
      rules: [allow('22', `${instance.edge}/32`), allow('80', '0.0.0.0/0'), allow('80', '::/0')],
    }
    ipv6 = `${order.ipv6}1`
    shell = async (command) => await run(order.ipv4, command)
    outsider = await addOutsider(instance, elsewhere())
    await datacenter.createServer(order)
    await eventually(() => shell('cloud-init status --wait'))
  })

  after(async () => {
    for (const service of services) service.close()
    if (instance) await sweep(instance)
  })

  test('has nothing to complain about after its first boot', async () => {
    assert.match(await shell('cloud-init status'), /status: done/)
    assert.equal(await shell('systemctl is-system-running --wait'), 'running')
    assert.equal(await shell('hostname'), 'trial')
  })

  test('opens listed ports to their networks and is silent otherwise', async () => {
    assert.equal(await knock(order.ipv4, 22), 'open')
    assert.equal(await knock(order.ipv4, 80), 'open')
    assert.equal(await knock(order.ipv4, 81), 'silent')
    assert.equal(await knockFrom(outsider, order.ipv4, 22), 'silent')
    assert.equal(await knockFrom(outsider, order.ipv4, 80), 'open')
    assert.equal(await knockFrom(outsider, order.ipv4, 81), 'silent')
  })

  test("shows a server the cloud's services and nothing else of this host", async () => {
    assert.equal(await shell('curl -s http://169.254.169.254/'), `${edgePorts.metadata}`)
    const directory = `https://${instance.acmeName}:${edgePorts.acme}/dir`
    assert.match(await shell(`curl -s ${directory}`), /newOrder/)
    for (const address of [instance.edge, '172.31.1.1']) {
      const request = `curl -s --max-time 1 http://${address}:${edgePorts.hetzner}/ || echo $?`
      assert.equal(await shell(request), '28', `${address} is silent`)
    }
    assert.match(await fetchAcmeRoots(instance), /BEGIN CERTIFICATE/)
  })

  test('shows a server the same over IPv6', async () => {
    const directory = `https://${instance.acmeName}:${edgePorts.acme}/dir`
    assert.match(await shell(`curl -s6 ${directory}`), /newOrder/)
    assert.equal(await shell(`getent ahostsv6 ${instance.acmeName} | head -1 | cut -d' ' -f1`), instance.edge6)
    // It answers at one address only, so an answer of its port elsewhere would be a leak.
    for (const address of [instance.edge6, 'fe80::1%eth0']) {
      const request = `curl -s --max-time 1 'http://[${address}]:22/' || echo $?`
      assert.equal(await shell(request), '28', `${address} is silent`)
    }
    const resolver = new Resolver()
    resolver.setServers([`[${instance.edge6}]`])
    assert.deepEqual(await resolver.resolve6(instance.acmeName), [instance.edge6])
  })

  test('opens listed ports to IPv6 networks and is silent otherwise', async () => {
    assert.equal(await knock(ipv6, 80), 'open')
    assert.equal(await knock(ipv6, 81), 'silent')
    assert.equal(await knock(ipv6, 22), 'silent')
    assert.equal(await knockFrom(outsider, ipv6, 80), 'open')
    assert.equal(await knockFrom(outsider, ipv6, 22), 'silent')
    const stranger = outsiderIpv6(instance, elsewhere())
    try {
      await datacenter.setFirewall(order.id, [...(order.rules ?? []), allow('22', `${stranger}/128`)])
      assert.equal(await knockFrom(outsider, ipv6, 22), 'open')
      assert.equal(await knock(ipv6, 22), 'silent')
    } finally {
      await datacenter.setFirewall(order.id, order.rules)
    }
  })

  test('keeps what a server sends under an address that is not its own', async () => {
    const stranger = instance.edge.replace(/\d+$/, '77')
    await shell(`ip address add ${stranger}/32 dev eth0`)
    assert.equal(await shell(`ping -c 1 -W 1 -q ${instance.edge} >/dev/null && echo answer`), 'answer')
    assert.equal(await shell(`ping -c 1 -W 1 -q -I ${stranger} ${instance.edge} >/dev/null || echo silence`), 'silence')
    const ping = (source: string) =>
      shell(`ping -6 -c 1 -W 1 -q -I ${source} ${instance.edge6} >/dev/null && echo answer || echo silence`)
    const stranger6 = `${instance.network6.replace('::/48', ':11::')}1`
    await shell(`ip address add ${stranger6}/128 dev eth0 nodad; ip address add ${order.ipv6}2/128 dev eth0 nodad`)
    assert.equal(await ping(stranger6), 'silence')
    assert.equal(await ping(`${order.ipv6}2`), 'answer', 'the whole /64 is its own')
  })

  test('answers for the zone at once when its records change', async () => {
    const resolver = new Resolver()
    resolver.setServers([instance.edge])
    const ask = (name: string) => shell(`getent ahostsv4 ${name} | head -1 | cut -d' ' -f1`)
    assert.equal(await ask(instance.hostname), '')
    await datacenter.setRecords([{ type: 'A', name: instance.hostname, content: order.ipv4 }])
    assert.equal(await ask(instance.hostname), order.ipv4)
    const caa = { type: 'CAA', name: instance.hostname, content: '0 issue "letsencrypt.org"' } as const
    await datacenter.setRecords([{ type: 'A', name: instance.hostname, content: '10.77.0.99' }, caa])
    assert.equal(await ask(instance.hostname), '10.77.0.99')
    assert.deepEqual(await resolver.resolveCaa(instance.hostname), [
      { critical: 0, type: 'CAA', issue: 'letsencrypt.org' },
    ])
    await assert.rejects(resolver.resolve4(`other.${instance.zone}`), { code: 'ENOTFOUND' })
    assert.equal(await ask(instance.acmeName), instance.edge)
    await datacenter.setRecords([{ type: 'AAAA', name: instance.hostname, content: ipv6 }])
    assert.deepEqual(await resolver.resolve6(instance.hostname), [ipv6])
    await datacenter.setRecords([])
    assert.equal(await ask(instance.hostname), '')
  })

  test('updates a firewall under a connection that stands', async () => {
    const { socket, ask } = await standingConnection(order.ipv4, 80)
    try {
      assert.match(await ask(), /200/)
      await datacenter.setFirewall(order.id, [allow('81', '0.0.0.0/0')])
      assert.match(await ask(), /200/)
      assert.equal(await knock(order.ipv4, 80), 'silent')
      assert.equal(await knock(order.ipv4, 81), 'open')
      await datacenter.setFirewall(order.id, [])
      assert.match(await ask(), /200/)
      assert.equal(await knock(order.ipv4, 81), 'silent')
      await datacenter.setFirewall(order.id, null)
      assert.equal(await knockFrom(outsider, order.ipv4, 22), 'open')
    } finally {
      socket.destroy()
      await datacenter.setFirewall(order.id, order.rules)
    }
  })

  test('reboots a server, its disk and firewall kept', async () => {
    await shell('touch /run/before; echo kept >/root/before')
    await datacenter.reboot(order.id)
    const after = await eventually(() => shell('test ! -e /run/before && cat /root/before'))
    assert.equal(after, 'kept')
    await eventually(async () => assert.equal(await knock(order.ipv4, 80), 'open'))
    assert.equal(await knock(order.ipv4, 81), 'silent')
  })

  test('pulls the plug: the server is gone at once, and comes back with its disk', async () => {
    await shell('touch /run/before')
    await datacenter.powerOff(order.id)
    assert.notEqual(await knock(order.ipv4, 80), 'open')
    await datacenter.powerOff(order.id)
    await assert.rejects(datacenter.reboot(order.id), /is off/)
    await datacenter.powerOn(order.id)
    assert.equal(await eventually(() => shell('test ! -e /run/before && cat /root/before')), 'kept')
  })

  test('keeps a volume through power cuts and reboots, but not what was not written', async () => {
    await datacenter.createVolume({ id: 7, size: 10, format: 'ext4' })
    await datacenter.attachVolume(7, order.id, true)
    await assert.rejects(datacenter.attachVolume(7, order.id, false), /volume 7 is attached to server 5/)
    await assert.rejects(datacenter.deleteVolume(7), /volume 7 is attached to server 5/)
    assert.equal(await shell(`findmnt -rno FSTYPE,SOURCE ${mounted}`), `ext4 ${device}`)
    await shell(`echo written >${mounted}/a; sync -f ${mounted}; echo lost >${mounted}/b`)
    await datacenter.powerOff(order.id)
    await datacenter.powerOn(order.id)
    assert.equal(await eventually(() => shell(`mountpoint -q ${mounted} && ls ${mounted}`)), 'a\nlost+found')
    await shell('touch /run/before')
    await datacenter.reboot(order.id)
    assert.equal(await eventually(() => shell(`test ! -e /run/before && cat ${mounted}/a`)), 'written')
  })

  test('pulls a volume out under who uses it, and plugs it in where nothing mounts it', async () => {
    await shell(`(while echo more; do sleep 0.1; done) >${mounted}/log 2>/root/errors </dev/null & sleep 0.3`)
    await datacenter.detachVolume(7)
    await eventually(async () => assert.match(await shell('cat /root/errors'), /Input\/output error/))
    assert.equal(await shell(`mountpoint -q ${mounted} || test -e ${device} || echo gone`), 'gone')
    await datacenter.detachVolume(7)
    await datacenter.attachVolume(7, order.id, false)
    assert.equal(await shell(`mountpoint -q ${mounted} || blkid -p -s TYPE -o value ${device}`), 'ext4')
    assert.equal(await shell(`mount ${device} /srv && cat /srv/a`), 'written')
    await datacenter.resizeVolume(7, 11)
    assert.equal(await shell(`blockdev --getsize64 ${device}`), `${11 * 1024 ** 3}`)
    await assert.rejects(datacenter.attachVolume(8, order.id, false), /8\.img/)
  })

  test('starts a server again that switched itself off', async () => {
    // The connection may end before the command does.
    await shell('systemctl --no-block poweroff').catch(() => {})
    const group = join(await instanceCgroup(instance), `guest-${order.id}`)
    await eventually(async () => assert.deepEqual(await cgroupProcesses(join(group, 'machine')), []))
    await datacenter.powerOn(order.id)
    assert.equal(await eventually(() => shell('cat /root/before')), 'kept')
  })

  test('deletes a server with all that belonged to it, then the rest by its name', async () => {
    await datacenter.deleteServer(order.id)
    await datacenter.deleteVolume(7)
    await assert.rejects(datacenter.powerOn(order.id), /no server 5/)
    assert.doesNotMatch((await leftovers(instance)).join('\n'), /guest|link sk\d+-5|loop device/)
    await removeOutsider(instance, elsewhere())
    await sweep(instance)
    assert.deepEqual(await leftovers(instance), [])
  })

  function elsewhere(): string {
    return instance.edge.replace(/\d+$/, '200')
  }
})

describe('a server with Debian 12', { skip }, () => {
  test('boots, answers over IPv6 and has its volume', async () => {
    const instance = await claimInstance()
    try {
      const datacenter = await createDatacenter(instance, console.log)
      const { publicKey, run } = await sshKey(instance.directory)
      const ipv6 = instance.network6.replace('::/48', ':10::')
      await datacenter.createVolume({ id: 7, size: 10, format: 'ext4' })
      await datacenter.createServer({
        ...{ id: 5, name: 'trial', image: 'debian-12', ipv4: instance.edge.replace(/\d+$/, '10'), ipv6 },
        ...{ userData: '#cloud-config\nhostname: trial\n', sshKeys: [publicKey], rules: null },
      })
      const shell = (command: string) => run(`${ipv6}1`, command)
      assert.match(await eventually(() => shell('cloud-init status --wait')), /status: done/)
      assert.equal(
        await shell('systemctl is-system-running --wait && . /etc/os-release && echo $ID-$VERSION_ID'),
        'running\ndebian-12',
      )
      await datacenter.attachVolume(7, 5, true)
      assert.equal(await shell(`findmnt -no SOURCE ${mounted}`), device)
      await shell('touch /run/before')
      await datacenter.reboot(5)
      assert.equal(await eventually(() => shell(`test ! -e /run/before && findmnt -no SOURCE ${mounted}`)), device)
    } finally {
      await sweep(instance)
    }
  })
})

function allow(port: string, source: string): FirewallRule {
  return { direction: 'in', protocol: 'tcp', port, source_ips: [source] }
}

/** Answers with its own port. */
async function serve(host: string, port: number): Promise<Server> {
  const server = createServer((_request, response) => void response.end(`${port}`)).listen(port, host)
  await once(server, 'listening')
  return server
}

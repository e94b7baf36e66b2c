import { Resolver } from 'node:dns/promises'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DnsRecord } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { type RenderedRecords, renderRecords } from './records.ts'
import { type Service, startService } from './service.ts'

/** The sandbox's name server. */
export interface NameServer {
  /** The complete list of the zone's records beside the sandbox's own; in force when it resolves. */
  setRecords(records: readonly DnsRecord[]): Promise<void>
}

/** Resolved only by the name server itself: tells which list of records is in force. */
const revisionName = 'revision.sandbox.invalid'

export async function startNameServer(instance: Instance): Promise<NameServer> {
  const directory = join(instance.directory, 'dns')
  const files = { hosts: join(directory, 'hosts'), settings: join(directory, 'settings') }
  await mkdir(directory, { recursive: true })
  // dnsmasq reads them again as a user without rights, whatever our umask is.
  await chmod(directory, 0o755)
  const resolver = new Resolver({ timeout: 250, tries: 1 })
  resolver.setServers([instance.edge])
  const own: DnsRecord[] = [
    { type: 'A', name: instance.acmeName, content: instance.edge },
    { type: 'AAAA', name: instance.acmeName, content: instance.edge6 },
  ]
  let revision = 0
  let service: Service | undefined
  let settings = ''
  let last: Promise<void> = Promise.resolve()

  const inForce = async () => {
    const answer = await resolver.resolve4(revisionName).catch(() => [])
    return answer[0] === revisionAddress(revision)
  }

  async function apply(rendered: RenderedRecords): Promise<void> {
    revision = (revision + 1) % 2 ** 16
    await writeFile(files.hosts, `${rendered.hosts}${revisionAddress(revision)} ${revisionName}\n`)
    await chmod(files.hosts, 0o644)
    if (service && rendered.settings === settings) {
      process.kill(service.pid, 'SIGHUP')
      await until(inForce)
      return
    }
    // Other records than addresses are read at the start only. It takes some milliseconds; whoever asks meanwhile is
    // refused at once and asks again.
    await writeFile(files.settings, rendered.settings)
    await service?.stop()
    service = await startService(instance, {
      name: 'dns',
      command: [
        ...['dnsmasq', `--conf-file=${join(import.meta.dirname, 'dnsmasq.conf')}`, `--conf-file=${files.settings}`],
        ...[`--listen-address=${instance.edge}`, `--listen-address=${instance.edge6}`],
        ...[`--local=/${instance.zone}/invalid/`, `--addn-hosts=${files.hosts}`],
        '--pid-file=',
      ],
      ready: inForce,
    })
    settings = rendered.settings
  }

  const nameServer: NameServer = {
    async setRecords(records) {
      const rendered = renderRecords([...own, ...records])
      last = last.catch(() => {}).then(() => apply(rendered))
      await last
    },
  }
  await nameServer.setRecords([])
  return nameServer
}

function revisionAddress(revision: number): string {
  return `127.1.${revision >> 8}.${revision & 255}`
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the name server did not take the records within ten seconds')
    await sleep(10)
  }
}

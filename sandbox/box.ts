import boxen from 'boxen'
import type { Summary } from './summary.ts'

/** What stands in the box that `up` ends with: names, files, commands to try, how to stop. */
export function renderBox(summary: Summary): string {
  const { hostname, urls, tryUser } = summary
  return boxen(
    [
      `${hostname} (${summary.address}, ${summary.address6}) answers`,
      '',
      ...Object.entries(urls).map(([name, url]) => `${name.padEnd(6)} ${url}`),
      '',
      `CA of the broker      ${summary.caFile}`,
      `administrator         ${summary.adminCertificateFile}`,
      `                      ${summary.adminKeyFile}`,
      `user "${tryUser.name}", password  ${tryUser.passwordFile}`,
      `CA of the web (ACME)  ${summary.acmeRootFile}`,
      '',
      'npm run sandbox -- status | logs | ssh | down',
    ].join('\n'),
    { padding: { left: 1, right: 1, top: 0, bottom: 0 }, title: `skerry sandbox ${summary.instance}` },
  )
}

/** Commands that can be pasted as they are, outside the box so that no border gets into the clipboard. */
export function renderCommands(summary: Summary): string {
  const { hostname, caFile, tryUser } = summary
  const admin = `--cafile ${caFile} --cert ${summary.adminCertificateFile} --key ${summary.adminKeyFile}`
  const password = `-u ${tryUser.name} -P "$(cat ${tryUser.passwordFile})"`
  return [
    'Try it, in two terminals:',
    '',
    `  mosquitto_sub -h ${hostname} -p 8883 ${admin} -t '#' -v`,
    `  mosquitto_pub -h ${hostname} -p 1883 ${password} -t ${tryUser.name}/hello -m 'hello world'`,
  ].join('\n')
}

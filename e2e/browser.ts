import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Browser, chromium, type Page } from 'playwright-core'

export interface TrustingBrowser extends AsyncDisposable {
  readonly browser: Browser
}

/** Debian's Chromium that trusts one more authority, as a person would import it. */
export async function startBrowser(authorityFile: string): Promise<TrustingBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'skerry-browser-'))
  const remove = () => rm(home, { recursive: true, force: true, maxRetries: 5 })
  try {
    const database = join(home, '.pki', 'nssdb')
    await mkdir(database, { recursive: true })
    await execa('certutil', ['-d', `sql:${database}`, '-N', '--empty-password'])
    await execa('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', 'authority', '-i', authorityFile])
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      // Chromium refuses its own sandbox to root.
      args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
      env: { ...process.env, HOME: home },
    })
    return {
      browser,
      async [Symbol.asyncDispose]() {
        await browser.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/**
 * Opens the server's own page and adds chat.js to it. That page forbids every script, which is right and has to be
 * switched off here; its real origin matters, because Chromium lets no page of the internet into a private network.
 */
export async function openChat(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ bypassCSP: true })
  await page.goto(url)
  for (const script of ['../node_modules/mqtt/dist/mqtt.min.js', 'chat.js']) {
    await page.addScriptTag({ path: fileURLToPath(new URL(script, import.meta.url)) })
  }
  return page
}

/** Calls a function of chat.js; arguments travel over the browser's debugging pipe. */
export async function call(page: Page, name: 'join' | 'say', ...parameters: readonly string[]): Promise<void> {
  await page.evaluate(`chat.${name}(${parameters.map((parameter) => JSON.stringify(parameter)).join(', ')})`)
}

/** Resolves when the page shows the message. */
export async function received(page: Page, topic: string, payload: string): Promise<void> {
  await page.getByText(`${topic}: ${payload}`, { exact: true }).waitFor({ timeout: 30_000 })
}

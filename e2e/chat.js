// Runs inside a page, after mqtt.js: one client, and a list of what it receives.
const messages = document.createElement('ul')
document.body.append(messages)
let client

globalThis.chat = {
  async join(url, username, password) {
    const options = { username, password, protocolVersion: 5, reconnectPeriod: 0 }
    // Without the last word, a connection that is refused would leave the promise open.
    client = await globalThis.mqtt.connectAsync(url, options, false)
    client.on('message', (topic, payload) => {
      const item = document.createElement('li')
      item.textContent = `${topic}: ${payload}`
      messages.append(item)
    })
    await client.subscribeAsync(`${username}/#`, { qos: 1 })
  },

  async say(topic, text) {
    await client.publishAsync(topic, text, { qos: 1 })
  },
}

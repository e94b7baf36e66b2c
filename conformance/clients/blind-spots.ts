/** What a client must be able to do or to see for some of the scenarios. */
export type Ability =
  | 'DISCONNECT with properties'
  | 'a QoS for each filter'
  | 'DISCONNECT with a reason'
  | 'DUP flag'
  | 'QoS 2 over a reconnect'
  | 'UNSUBSCRIBE while connected'
  | 'WebSocket'
  | 'a lasting session without a client id'
  | 'assigned client identifier'
  | 'message expiry interval'
  | 'messages kept over a reconnect'
  | 'program for requests'
  | 'properties of CONNACK'
  | 'publications in the session that subscribes'
  | 'properties of a will'
  | 'reason code of PUBACK'
  | 'reason codes of UNSUBACK'
  | 'reason of a DISCONNECT'
  | 'receive maximum of the broker'
  | 'retain handling'
  | 'session present'
  | 'several SUBSCRIBEs'
  | 'several subscription identifiers'
  | 'topic alias of a message'
  | 'topic aliases of the broker'
  | 'user properties in their order'

export type BlindSpots = Readonly<Partial<Record<Ability, string>>>

/** Why a client cannot do or see something: each was tried, or read in the client's source. */
export const blindSpots = {
  'mqtt.js': {
    'a lasting session without a client id': 'mqtt.js refuses to ask for one',
    'receive maximum of the broker': 'mqtt.js does not keep to it when it publishes',
    'user properties in their order': 'mqtt.js keeps user properties by their names',
    'program for requests': 'mqtt.js is a library without a program for requests',
  },
  'paho-mqtt for Python': {
    'program for requests': 'paho-mqtt is a library without a program for requests',
    'receive maximum of the broker': 'paho-mqtt does not read it: it keeps to 20 of its own',
    'a lasting session without a client id': 'paho-mqtt refuses to ask for one',
  },
  'paho.mqtt.golang': {
    'QoS 2 over a reconnect': 'paho.mqtt.golang shows a QoS 2 message as often as it is sent',
    'program for requests': 'paho.mqtt.golang is a library without a program for requests',
  },
  'paho.golang': {
    'properties of a will': 'paho.golang does not send them, but for the delay and user properties',
    'program for requests': 'paho.golang is a library without a program for requests',
    'several subscription identifiers': 'paho.golang has room for one of them',
  },
  Mosquitto: {
    'DISCONNECT with properties': 'mosquitto_sub sends them too late: it must know them when it starts',
    'UNSUBSCRIBE while connected': 'mosquitto_sub unsubscribes only when it connects',
    WebSocket: "Mosquitto's clients have no WebSocket",
    'a QoS for each filter': 'mosquitto_sub has one QoS for all of its filters',
    'a lasting session without a client id': 'mosquitto_sub refuses to ask for one',
    'messages kept over a reconnect': 'mosquitto_pub keeps nothing when its connection ends',
    'properties of CONNACK': "Mosquitto's clients show none but the assigned client identifier",
    'publications in the session that subscribes': 'mosquitto_sub cannot publish',
    'retain handling': 'mosquitto_sub has no option for it',
    'session present': "Mosquitto's clients do not show whether a session is present",
    'several SUBSCRIBEs': 'mosquitto_sub subscribes once',
    'topic aliases of the broker': 'libmosquitto takes a message without a topic name for an error',
    'reason codes of UNSUBACK': 'mosquitto_sub does not show them',
  },
} as const satisfies Record<string, BlindSpots>

"""paho-mqtt for Python, told what to do on standard input (see protocol.ts)."""

import json
import sys
import threading
import warnings
from concurrent.futures import Future

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

# The names of the protocol, and those of the library.
PROPERTIES = {
    "sessionExpiryInterval": "SessionExpiryInterval",
    "receiveMaximum": "ReceiveMaximum",
    "maximumPacketSize": "MaximumPacketSize",
    "topicAliasMaximum": "TopicAliasMaximum",
    "topicAlias": "TopicAlias",
    "willDelayInterval": "WillDelayInterval",
    "payloadFormatIndicator": "PayloadFormatIndicator",
    "messageExpiryInterval": "MessageExpiryInterval",
    "contentType": "ContentType",
    "responseTopic": "ResponseTopic",
    "correlationData": "CorrelationData",
    "assignedClientIdentifier": "AssignedClientIdentifier",
    "serverKeepAlive": "ServerKeepAlive",
    "subscriptionIdentifiers": "SubscriptionIdentifier",
    "userProperties": "UserProperty",
}

output = threading.Lock()


def say(line):
    with output:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def to_library(properties, packet_type):
    result = Properties(packet_type)
    for name, value in properties.items():
        if name == "correlationData":
            value = value.encode()
        elif name == "userProperties":
            value = [tuple(pair) for pair in value]
        elif name == "subscriptionIdentifiers":
            value = value[0]
        setattr(result, PROPERTIES[name], value)
    return result


def from_library(properties):
    result = {}
    for name, library_name in PROPERTIES.items():
        value = getattr(properties, library_name, None)
        if value is None:
            continue
        result[name] = value.decode() if isinstance(value, bytes) else value
    return result


class Client:
    def __init__(self, name, options):
        self.name = name
        self.version = options["version"]
        self.options = options
        self.connected = Future()
        self.lost = threading.Event()
        self.answers = {}
        self.lock = threading.Lock()
        self.aliases = {}
        transport = "websockets" if options["transport"] == "ws" else "tcp"
        self.mqtt = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=options["clientId"],
            clean_session=options["clean"] if self.version == 4 else None,
            protocol=mqtt.MQTTv5 if self.version == 5 else mqtt.MQTTv311,
            transport=transport,
            reconnect_on_failure=False,
        )
        if transport == "websockets":
            self.mqtt.ws_set_options(path="/mqtt/")
        if options["transport"] == "tls":
            self.mqtt.tls_set(options["authorities"], options["certificate"], options["privateKey"])
        if "username" in options:
            self.mqtt.username_pw_set(options["username"], options["password"])
        will = options.get("will")
        if will:
            properties = to_library(will["properties"], PacketTypes.WILLMESSAGE) if self.version == 5 else None
            self.mqtt.will_set(will["topic"], will["payload"], will["qos"], will["retain"], properties)
        self.mqtt.on_connect = self.on_connect
        self.mqtt.on_message = self.on_message
        self.mqtt.on_disconnect = self.on_disconnect
        self.mqtt.on_publish = lambda _client, _data, mid, code, _properties: self.settle(mid, code.value)
        self.mqtt.on_subscribe = lambda _client, _data, mid, codes, _properties: self.settle(mid, codes)
        self.mqtt.on_unsubscribe = lambda _client, _data, mid, codes, _properties: self.settle(mid, codes)

    def connect(self):
        options = self.options
        more = {}
        if self.version == 5:
            more["clean_start"] = options["clean"]
            more["properties"] = to_library(options["properties"], PacketTypes.CONNECT)
        self.mqtt.connect(options["host"], options["port"], options["keepAlive"], **more)
        self.mqtt.loop_start()
        return self.connected.result()

    def reconnect(self):
        self.mqtt.loop_stop()
        self.connected = Future()
        self.lost = threading.Event()
        self.aliases = {}
        self.mqtt.reconnect()
        self.mqtt.loop_start()
        return self.connected.result()

    def on_connect(self, _client, _data, flags, code, properties):
        # The library gives the reason codes of MQTT 5 for the return codes of 3.1.1.
        value = code.value if self.version == 5 else RETURN_CODES.get(code.value, code.value)
        self.connected.set_result(
            {
                "reasonCode": value,
                "sessionPresent": flags.session_present,
                "properties": from_library(properties),
                "reasonCodes": [],
            }
        )

    def on_message(self, _client, _data, message):
        properties = from_library(message.properties) if self.version == 5 else {}
        topic = message.topic
        # The library leaves topic aliases to its user.
        alias = properties.get("topicAlias")
        if alias is not None:
            if topic == "":
                topic = self.aliases[alias]
            self.aliases[alias] = topic
        seen = {
            "topic": topic,
            "payload": message.payload.decode(),
            "qos": message.qos,
            "retain": bool(message.retain),
            "dup": bool(message.dup),
            "properties": properties,
        }
        say({"client": self.name, "message": seen})

    def on_disconnect(self, _client, _data, flags, code, _properties):
        if not self.connected.done():
            self.connected.set_exception(RuntimeError(f"closed without a CONNACK: {code}"))
        self.lost.set()
        from_server = self.version == 5 and flags.is_disconnect_packet_from_server
        say({"client": self.name, "closed": {"reasonCode": code.value} if from_server else {}})

    def expect(self, mid):
        with self.lock:
            return self.answers.setdefault(mid, Future())

    def settle(self, mid, answer):
        self.expect(mid).set_result(answer)

    def answer_to(self, result, mid):
        if result not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_NO_CONN):
            raise RuntimeError(mqtt.error_string(result))
        answer = self.expect(mid).result()
        with self.lock:
            del self.answers[mid]
        return answer

    def codes(self, answer):
        return {"reasonCodes": [code.value for code in answer]}

    def subscribe(self, filters, properties):
        if self.version == 5:
            wanted = [
                (
                    each["filter"],
                    SubscribeOptions(
                        each["qos"], each["noLocal"], each["retainAsPublished"], each["retainHandling"]
                    ),
                )
                for each in filters
            ]
            sent = self.mqtt.subscribe(wanted, properties=to_library(properties, PacketTypes.SUBSCRIBE))
        else:
            sent = self.mqtt.subscribe([(each["filter"], each["qos"]) for each in filters])
        return self.codes(self.answer_to(*sent))

    def unsubscribe(self, filters):
        return self.codes(self.answer_to(*self.mqtt.unsubscribe(filters)))

    def publish(self, asked):
        topic = asked["topic"]
        sent = []
        for payload in [asked["payload"], *asked["more"]]:
            properties = to_library(asked["properties"], PacketTypes.PUBLISH) if self.version == 5 else None
            sent.append(self.mqtt.publish(topic, payload, asked["qos"], asked["retain"], properties))
            if "topicAlias" in asked["properties"]:
                topic = ""
        return {"reasonCode": [self.answer_to(info.rc, info.mid) for info in sent][-1]}

    def disconnect(self, reason_code, properties):
        if self.version == 5:
            reason = ReasonCode(PacketTypes.DISCONNECT, identifier=reason_code)
            self.mqtt.disconnect(reason, to_library(properties, PacketTypes.DISCONNECT))
        else:
            self.mqtt.disconnect()
        self.lost.wait()
        self.mqtt.loop_stop()
        return {}

    def drop(self):
        """The one thing that may come while others wait: they are told."""
        self.mqtt.disconnect()
        for waiting in [self.connected, *self.answers.values()]:
            if not waiting.done():
                waiting.set_exception(RuntimeError("given up"))
        self.mqtt.loop_stop()
        self.lost.set()
        return {}


RETURN_CODES = {0x84: 1, 0x85: 2, 0x88: 3, 0x86: 4, 0x87: 5}
clients = {}


def do(command, name, what):
    if command == "connect":
        client = clients[name] = Client(name, what)
        connected = client.connect()
        if what.get("filters"):
            connected |= client.subscribe(what["filters"], what.get("subscribeProperties", {}))
        return connected
    client = clients[name]
    if command == "reconnect":
        return client.reconnect()
    if command == "subscribe":
        return client.subscribe(what["filters"], what["properties"])
    if command == "unsubscribe":
        return client.unsubscribe(what["filters"])
    if command == "publish":
        return client.publish(what)
    if command == "disconnect":
        return client.disconnect(what["reasonCode"], what["properties"])
    if command == "lose":
        client.lost.wait()
        return {}
    if command == "drop":
        return client.drop()
    raise RuntimeError(f"paho-mqtt has no {command}")


def obey(asked):
    try:
        say({"id": asked["id"], "answer": do(asked["do"], asked["client"], asked)})
    except Exception as error:  # The scenario is told, whatever it is.
        say({"id": asked["id"], "error": f"{type(error).__name__}: {error}"})


warnings.simplefilter("error")
# A thread for each command: those that wait for ever must not hold others up, nor the end.
for line in sys.stdin:
    threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()

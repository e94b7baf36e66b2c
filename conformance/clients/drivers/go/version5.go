package main

import (
	"context"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// paho.golang, which speaks MQTT 5. One of its clients is one connection; the session outlives it.
type version5 struct {
	asked   command
	session session.SessionManager
	lock    sync.Mutex
	mqtt    *paho.Client
	aliases map[uint16]string
}

func newVersion5(asked command) client {
	return &version5{asked: asked, session: state.NewInMemory()}
}

func (made *version5) connect() (connected, error) {
	conn, err := made.asked.dial(context.Background())
	if err != nil {
		return connected{}, err
	}
	name := made.asked.Client
	var reasonCode *byte
	once := sync.Once{}
	ended := func() {
		once.Do(func() {
			line := ending{Client: name}
			line.Closed.ReasonCode = reasonCode
			say(line)
		})
	}
	made.aliases = map[uint16]string{}
	mqtt := paho.NewClient(paho.ClientConfig{
		// tls.Conn is not safe for several writers, says the library.
		Conn:    packets.NewThreadSafeConn(conn),
		Session: made.session,
		// As long as a scenario may take.
		PacketTimeout: time.Minute,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(received paho.PublishReceived) (bool, error) {
				made.received(received.Packet)
				return true, nil
			},
		},
		OnServerDisconnect: func(disconnect *paho.Disconnect) {
			reasonCode = &disconnect.ReasonCode
			ended()
		},
		OnClientError: func(error) { ended() },
	})
	answer, err := mqtt.Connect(context.Background(), made.packet())
	if answer == nil {
		return connected{}, err
	}
	made.lock.Lock()
	made.mqtt = mqtt
	made.lock.Unlock()
	seen := connected{ReasonCode: answer.ReasonCode, SessionPresent: answer.SessionPresent}
	if given := answer.Properties; given != nil {
		seen.Properties = properties{
			SessionExpiryInterval:    given.SessionExpiryInterval,
			ReceiveMaximum:           given.ReceiveMaximum,
			MaximumPacketSize:        given.MaximumPacketSize,
			TopicAliasMaximum:        given.TopicAliasMaximum,
			AssignedClientIdentifier: given.AssignedClientID,
			ServerKeepAlive:          given.ServerKeepAlive,
			UserProperties:           fromUser(given.User),
		}
	}
	return seen, nil
}

func (made *version5) packet() *paho.Connect {
	asked := made.asked
	given := asked.Properties
	packet := &paho.Connect{
		ClientID:     asked.ClientID,
		CleanStart:   asked.Clean,
		KeepAlive:    asked.KeepAlive,
		Username:     asked.Username,
		UsernameFlag: asked.Username != "",
		Password:     []byte(asked.Password),
		PasswordFlag: asked.Password != "",
		Properties: &paho.ConnectProperties{
			SessionExpiryInterval: given.SessionExpiryInterval,
			ReceiveMaximum:        given.ReceiveMaximum,
			MaximumPacketSize:     given.MaximumPacketSize,
			TopicAliasMaximum:     given.TopicAliasMaximum,
			RequestProblemInfo:    true,
			User:                  toUser(given.UserProperties),
		},
	}
	if will := asked.Will; will != nil {
		packet.WillMessage = &paho.WillMessage{
			Topic: will.Topic, Payload: []byte(will.Payload), QoS: will.QoS, Retain: will.Retain,
		}
		packet.WillProperties = &paho.WillProperties{
			WillDelayInterval: will.Properties.WillDelayInterval,
			PayloadFormat:     will.Properties.PayloadFormatIndicator,
			MessageExpiry:     will.Properties.MessageExpiryInterval,
			ContentType:       will.Properties.ContentType,
			ResponseTopic:     will.Properties.ResponseTopic,
			CorrelationData:   data(will.Properties.CorrelationData),
			User:              toUser(will.Properties.UserProperties),
		}
	}
	return packet
}

func (made *version5) reconnect() (connected, error) {
	return made.connect()
}

func (made *version5) received(packet *paho.Publish) {
	topic := packet.Topic
	// The library leaves topic aliases to its user.
	if alias := packet.Properties.TopicAlias; alias != nil {
		if topic == "" {
			topic = made.aliases[*alias]
		}
		made.aliases[*alias] = topic
	}
	given := packet.Properties
	seen := message{
		publication: publication{
			Topic: topic, Payload: string(packet.Payload), QoS: packet.QoS, Retain: packet.Retain,
			Properties: properties{
				TopicAlias:             given.TopicAlias,
				PayloadFormatIndicator: given.PayloadFormat,
				MessageExpiryInterval:  given.MessageExpiry,
				ContentType:            given.ContentType,
				ResponseTopic:          given.ResponseTopic,
				CorrelationData:        string(given.CorrelationData),
				UserProperties:         fromUser(given.User),
			},
		},
		Dup: packet.Duplicate(),
	}
	if identifier := given.SubscriptionIdentifier; identifier != nil {
		seen.Properties.SubscriptionIdentifiers = []int{*identifier}
	}
	say(arrival{made.asked.Client, seen})
}

func (made *version5) subscribe(filters []filter, given properties) ([]byte, error) {
	packet := &paho.Subscribe{Properties: &paho.SubscribeProperties{User: toUser(given.UserProperties)}}
	if len(given.SubscriptionIdentifiers) > 0 {
		packet.Properties.SubscriptionIdentifier = &given.SubscriptionIdentifiers[0]
	}
	for _, each := range filters {
		packet.Subscriptions = append(packet.Subscriptions, paho.SubscribeOptions{
			Topic: each.Filter, QoS: each.QoS, NoLocal: each.NoLocal,
			RetainAsPublished: each.RetainAsPublished, RetainHandling: each.RetainHandling,
		})
	}
	answer, err := made.mqtt.Subscribe(context.Background(), packet)
	// A refusal is an error of the library, too.
	if answer == nil {
		return nil, err
	}
	return answer.Reasons, nil
}

func (made *version5) unsubscribe(filters []string) ([]byte, error) {
	answer, err := made.mqtt.Unsubscribe(context.Background(), &paho.Unsubscribe{Topics: filters})
	if answer == nil {
		return nil, err
	}
	return answer.Reasons, nil
}

func (made *version5) publish(asked publication, more []string) (byte, error) {
	payloads := append([]string{asked.Payload}, more...)
	topic := asked.Topic
	for index, payload := range payloads {
		packet := &paho.Publish{
			Topic: topic, Payload: []byte(payload), QoS: asked.QoS, Retain: asked.Retain,
			Properties: &paho.PublishProperties{
				TopicAlias:      asked.Properties.TopicAlias,
				PayloadFormat:   asked.Properties.PayloadFormatIndicator,
				MessageExpiry:   asked.Properties.MessageExpiryInterval,
				ContentType:     asked.Properties.ContentType,
				ResponseTopic:   asked.Properties.ResponseTopic,
				CorrelationData: data(asked.Properties.CorrelationData),
				User:            toUser(asked.Properties.UserProperties),
			},
		}
		if asked.Properties.TopicAlias != nil {
			topic = ""
		}
		// The library tells of no acknowledgement without blocking, and keeps no order between goroutines. The broker
		// acknowledges in order, so the last one stands for all.
		options := paho.PublishOptions{Method: paho.PublishMethod_AsyncSend}
		if index == len(payloads)-1 {
			options.Method = paho.PublishMethod_Blocking
		}
		answer, err := made.mqtt.PublishWithOptions(context.Background(), packet, options)
		if answer != nil && answer.ReasonCode >= 0x80 {
			return answer.ReasonCode, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func (made *version5) disconnect(reasonCode byte, given properties) error {
	return made.mqtt.Disconnect(&paho.Disconnect{
		ReasonCode: reasonCode,
		Properties: &paho.DisconnectProperties{SessionExpiryInterval: given.SessionExpiryInterval},
	})
}

func (made *version5) lose() {
	<-made.mqtt.Done()
}

func (made *version5) drop() {
	made.lock.Lock()
	defer made.lock.Unlock()
	if made.mqtt != nil {
		_ = made.mqtt.Disconnect(&paho.Disconnect{})
	}
}

func toUser(pairs [][2]string) paho.UserProperties {
	var user paho.UserProperties
	for _, pair := range pairs {
		user.Add(pair[0], pair[1])
	}
	return user
}

func fromUser(user paho.UserProperties) [][2]string {
	var pairs [][2]string
	for _, each := range user {
		pairs = append(pairs, [2]string{each.Key, each.Value})
	}
	return pairs
}

func data(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

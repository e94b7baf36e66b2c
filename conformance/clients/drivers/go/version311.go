package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// paho.mqtt.golang, which speaks MQTT 3.1.1.
type version311 struct {
	asked  command
	mqtt   mqtt.Client
	config error
	lock   sync.Mutex
	lost   chan struct{}
}

func newVersion311(asked command) client {
	made := &version311{asked: asked, lost: make(chan struct{})}
	schemes := map[string]string{"tls": "ssl", "tcp": "tcp", "ws": "ws"}
	path := ""
	if asked.Transport == "ws" {
		path = "/mqtt/"
	}
	options := mqtt.NewClientOptions().
		AddBroker(fmt.Sprintf("%s://%s:%d%s", schemes[asked.Transport], asked.Host, asked.Port, path)).
		SetProtocolVersion(4).
		SetClientID(asked.ClientID).
		SetCleanSession(asked.Clean).
		SetKeepAlive(time.Duration(asked.KeepAlive) * time.Second).
		SetUsername(asked.Username).
		SetPassword(asked.Password).
		SetAutoReconnect(false).
		SetDefaultPublishHandler(made.received).
		SetConnectionLostHandler(func(mqtt.Client, error) {
			say(ending{Client: asked.Client})
			made.lock.Lock()
			defer made.lock.Unlock()
			close(made.lost)
		})
	if asked.Transport == "tls" {
		config, err := asked.tls()
		made.config = err
		options.SetTLSConfig(config)
	}
	if will := asked.Will; will != nil {
		options.SetWill(will.Topic, will.Payload, will.QoS, will.Retain)
	}
	made.mqtt = mqtt.NewClient(options)
	return made
}

func (made *version311) received(_ mqtt.Client, seen mqtt.Message) {
	say(arrival{made.asked.Client, message{
		publication: publication{Topic: seen.Topic(), Payload: string(seen.Payload()), QoS: seen.Qos(), Retain: seen.Retained()},
		Dup:         seen.Duplicate(),
	}})
}

func (made *version311) connect() (connected, error) {
	if made.config != nil {
		return connected{}, made.config
	}
	token := made.mqtt.Connect().(*mqtt.ConnectToken)
	token.Wait()
	answer := connected{ReasonCode: token.ReturnCode(), SessionPresent: token.SessionPresent()}
	// A refusal is an error of the library, too.
	if answer.ReasonCode > 0 && answer.ReasonCode < 6 {
		return answer, nil
	}
	return answer, token.Error()
}

func (made *version311) reconnect() (connected, error) {
	made.lock.Lock()
	made.lost = make(chan struct{})
	made.lock.Unlock()
	return made.connect()
}

func (made *version311) subscribe(filters []filter, _ properties) ([]byte, error) {
	wanted := map[string]byte{}
	for _, each := range filters {
		wanted[each.Filter] = each.QoS
	}
	token := made.mqtt.SubscribeMultiple(wanted, nil).(*mqtt.SubscribeToken)
	token.Wait()
	granted := token.Result()
	reasonCodes := make([]byte, len(filters))
	for index, each := range filters {
		code, exists := granted[each.Filter]
		if !exists {
			return nil, errors.Join(fmt.Errorf("no return code for %s", each.Filter), token.Error())
		}
		reasonCodes[index] = code
	}
	return reasonCodes, nil
}

func (made *version311) unsubscribe(filters []string) ([]byte, error) {
	token := made.mqtt.Unsubscribe(filters...)
	token.Wait()
	return nil, token.Error()
}

func (made *version311) publish(publication publication, more []string) (byte, error) {
	var tokens []mqtt.Token
	for _, payload := range append([]string{publication.Payload}, more...) {
		tokens = append(tokens, made.mqtt.Publish(publication.Topic, publication.QoS, publication.Retain, payload))
	}
	for _, token := range tokens {
		token.Wait()
		if err := token.Error(); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func (made *version311) disconnect(byte, properties) error {
	made.mqtt.Disconnect(250)
	return nil
}

func (made *version311) lose() {
	made.lock.Lock()
	lost := made.lost
	made.lock.Unlock()
	<-lost
}

func (made *version311) drop() {
	if made.mqtt.IsConnected() {
		made.mqtt.Disconnect(0)
	}
}

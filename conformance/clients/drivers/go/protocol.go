package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

type properties struct {
	SessionExpiryInterval    *uint32     `json:"sessionExpiryInterval,omitempty"`
	ReceiveMaximum           *uint16     `json:"receiveMaximum,omitempty"`
	MaximumPacketSize        *uint32     `json:"maximumPacketSize,omitempty"`
	TopicAliasMaximum        *uint16     `json:"topicAliasMaximum,omitempty"`
	TopicAlias               *uint16     `json:"topicAlias,omitempty"`
	WillDelayInterval        *uint32     `json:"willDelayInterval,omitempty"`
	PayloadFormatIndicator   *byte       `json:"payloadFormatIndicator,omitempty"`
	MessageExpiryInterval    *uint32     `json:"messageExpiryInterval,omitempty"`
	ContentType              string      `json:"contentType,omitempty"`
	ResponseTopic            string      `json:"responseTopic,omitempty"`
	CorrelationData          string      `json:"correlationData,omitempty"`
	AssignedClientIdentifier string      `json:"assignedClientIdentifier,omitempty"`
	ServerKeepAlive          *uint16     `json:"serverKeepAlive,omitempty"`
	SubscriptionIdentifiers  []int       `json:"subscriptionIdentifiers,omitempty"`
	UserProperties           [][2]string `json:"userProperties,omitempty"`
}

type publication struct {
	Topic      string     `json:"topic"`
	Payload    string     `json:"payload"`
	QoS        byte       `json:"qos"`
	Retain     bool       `json:"retain"`
	Properties properties `json:"properties"`
}

type filter struct {
	Filter            string `json:"filter"`
	QoS               byte   `json:"qos"`
	NoLocal           bool   `json:"noLocal"`
	RetainAsPublished bool   `json:"retainAsPublished"`
	RetainHandling    byte   `json:"retainHandling"`
}

// All that any command carries.
type command struct {
	ID     int    `json:"id"`
	Do     string `json:"do"`
	Client string `json:"client"`

	Transport           string       `json:"transport"`
	Host                string       `json:"host"`
	Port                int          `json:"port"`
	Authorities         string       `json:"authorities"`
	Certificate         string       `json:"certificate"`
	PrivateKey          string       `json:"privateKey"`
	Username            string       `json:"username"`
	Password            string       `json:"password"`
	Version             int          `json:"version"`
	ClientID            string       `json:"clientId"`
	Clean               bool         `json:"clean"`
	KeepAlive           uint16       `json:"keepAlive"`
	Will                *publication `json:"will"`
	SubscribeProperties properties   `json:"subscribeProperties"`

	publication
	More []string `json:"more"`

	// Of a SUBSCRIBE with options, of an UNSUBSCRIBE without.
	Filters    json.RawMessage `json:"filters"`
	ReasonCode byte            `json:"reasonCode"`
}

type codes []byte

type connected struct {
	ReasonCode     byte       `json:"reasonCode"`
	SessionPresent bool       `json:"sessionPresent"`
	Properties     properties `json:"properties"`
	ReasonCodes    codes      `json:"reasonCodes"`
}

type subscribed struct {
	ReasonCodes codes `json:"reasonCodes"`
}

type published struct {
	ReasonCode byte `json:"reasonCode"`
}

type failure struct {
	ID    int    `json:"id"`
	Error string `json:"error"`
}

type success struct {
	ID     int `json:"id"`
	Answer any `json:"answer"`
}

type message struct {
	publication
	Dup bool `json:"dup"`
}

type arrival struct {
	Client  string  `json:"client"`
	Message message `json:"message"`
}

type ending struct {
	Client string `json:"client"`
	Closed struct {
		ReasonCode *byte `json:"reasonCode,omitempty"`
	} `json:"closed"`
}

// Numbers, where Go would write base64.
func (all codes) MarshalJSON() ([]byte, error) {
	numbers := make([]int, len(all))
	for index, code := range all {
		numbers[index] = int(code)
	}
	return json.Marshal(numbers)
}

func (asked command) filters() ([]filter, error) {
	var filters []filter
	return filters, json.Unmarshal(asked.Filters, &filters)
}

func (asked command) tls() (*tls.Config, error) {
	authorities, err := os.ReadFile(asked.Authorities)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s has no certificate", asked.Authorities)
	}
	own, err := tls.LoadX509KeyPair(asked.Certificate, asked.PrivateKey)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{own}, ServerName: asked.Host}, nil
}

func (asked command) dial(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(asked.Host, strconv.Itoa(asked.Port))
	if asked.Transport == "ws" {
		return mqtt.NewWebsocket(fmt.Sprintf("ws://%s/mqtt/", address), nil, time.Minute, nil, nil)
	}
	if asked.Transport == "tcp" {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	config, err := asked.tls()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
}

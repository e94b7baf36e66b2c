// The Go clients of Eclipse Paho, told what to do on standard input (see ../../protocol.ts):
// paho.mqtt.golang for MQTT 3.1.1, paho.golang for MQTT 5.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

type client interface {
	connect() (connected, error)
	reconnect() (connected, error)
	subscribe(filters []filter, properties properties) ([]byte, error)
	unsubscribe(filters []string) ([]byte, error)
	publish(publication publication, more []string) (byte, error)
	disconnect(reasonCode byte, properties properties) error
	// Waits until the library has seen that its connection is gone.
	lose()
	drop()
}

type clients struct {
	sync.Mutex
	byName map[string]client
}

var output sync.Mutex

func say(line any) {
	bytes, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Printf("%s\n", bytes)
}

func (all *clients) find(name string) (client, error) {
	all.Lock()
	defer all.Unlock()
	if found, exists := all.byName[name]; exists {
		return found, nil
	}
	return nil, fmt.Errorf("there is no client %s", name)
}

func (all *clients) connect(asked command) (any, error) {
	made := newClient(asked)
	all.Lock()
	all.byName[asked.Client] = made
	all.Unlock()
	answer, err := made.connect()
	if err != nil || asked.Filters == nil {
		return answer, err
	}
	filters, err := asked.filters()
	if err != nil || len(filters) == 0 {
		return answer, err
	}
	answer.ReasonCodes, err = made.subscribe(filters, asked.SubscribeProperties)
	return answer, err
}

func newClient(asked command) client {
	if asked.Version == 5 {
		return newVersion5(asked)
	}
	return newVersion311(asked)
}

func (all *clients) do(asked command) (any, error) {
	if asked.Do == "connect" {
		return all.connect(asked)
	}
	found, err := all.find(asked.Client)
	if err != nil {
		return nil, err
	}
	nothing := struct{}{}
	switch asked.Do {
	case "reconnect":
		return found.reconnect()
	case "subscribe":
		filters, err := asked.filters()
		if err != nil {
			return nil, err
		}
		codes, err := found.subscribe(filters, asked.Properties)
		return subscribed{codes}, err
	case "unsubscribe":
		var filters []string
		if err := json.Unmarshal(asked.Filters, &filters); err != nil {
			return nil, err
		}
		codes, err := found.unsubscribe(filters)
		return subscribed{codes}, err
	case "publish":
		code, err := found.publish(asked.publication, asked.More)
		return published{code}, err
	case "disconnect":
		return nothing, found.disconnect(asked.ReasonCode, asked.Properties)
	case "lose":
		found.lose()
		return nothing, nil
	case "drop":
		found.drop()
		return nothing, nil
	}
	return nil, fmt.Errorf("the Go clients have no %s", asked.Do)
}

func main() {
	all := clients{byName: map[string]client{}}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 16*1024*1024)
	for input.Scan() {
		var asked command
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			panic(err)
		}
		go func() {
			answer, err := all.do(asked)
			if err != nil {
				say(failure{asked.ID, err.Error()})
			} else {
				say(success{asked.ID, answer})
			}
		}()
	}
}

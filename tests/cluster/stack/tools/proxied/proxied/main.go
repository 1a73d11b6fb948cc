// Proxied stands in for the programs in the images of Linkerd's proxy, which is Rust and in no registry of modules.
//
// Like them it is known by the name it is started as. It redirects a pod's connections, starts, waits and ends as they
// do, and lets a connection in when the program whose address is its argument says so. It encrypts nothing: whoever
// decides knows a client by its address. Of a connection with several requests it shows only the first.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	programs := map[string]func() error{
		"linkerd2-proxy-init":     redirect,
		"linkerd2-proxy-identity": proxy,
		"linkerd-await":           await,
		"sleep":                   sleep,
	}
	name := filepath.Base(os.Args[0])
	program, found := programs[name]
	if !found {
		fmt.Fprintf(os.Stderr, "%s: not one of the programs this stands in for\n", name)
		os.Exit(2)
	}
	if err := program(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// proxy passes on connections until SIGTERM.
func proxy() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("want the address of what decides")
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	judge := Judge{Address: os.Args[1], Pod: os.Getenv("LINKERD2_PROXY_POLICY_WORKLOAD")}
	for variable, handle := range map[string]func(*net.TCPConn){
		"LINKERD2_PROXY_INBOUND_LISTEN_ADDR":  judge.inbound,
		"LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR": outbound,
		"LINKERD2_PROXY_ADMIN_LISTEN_ADDR":    admin,
	} {
		listener, err := net.Listen("tcp4", os.Getenv(variable))
		if err != nil {
			return err
		}
		go serve(listener, handle)
	}
	<-ctx.Done()
	return nil
}

func serve(listener net.Listener, handle func(*net.TCPConn)) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			handle(connection.(*net.TCPConn))
		}()
	}
}

// admin answers probes.
func admin(connection *net.TCPConn) {
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	_, _ = connection.Read(make([]byte, 4096))
	_, _ = connection.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
}

// await waits until the proxy's admin port answers.
func await() error {
	timeout := flag.Duration("timeout", time.Minute, "how long it waits")
	port := flag.Int("port", 4191, "the proxy's admin port")
	flag.Parse()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(*port))
	for deadline := time.Now().Add(*timeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			return connection.Close()
		}
	}
	return fmt.Errorf("the proxy did not answer at %s within %s", address, *timeout)
}

// sleep waits for the number of seconds that is its argument.
func sleep() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("want a number of seconds")
	}
	seconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	return nil
}

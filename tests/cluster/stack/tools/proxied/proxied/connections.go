package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout   = 3 * time.Second
	detectTimeout = time.Second
)

// Judge is asked whether a connection may come in.
type Judge struct {
	Address string
	Pod     string
}

// permits asks by HTTP; only status 200 is a yes.
func (j Judge) permits(port uint16, source string, method string, path string) bool {
	connection, err := net.DialTimeout("tcp", j.Address, dialTimeout)
	if err != nil {
		return false
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(dialTimeout))
	query := url.Values{
		"pod":    {j.Pod},
		"port":   {fmt.Sprint(port)},
		"source": {source},
		"method": {method},
		"path":   {path},
	}
	fmt.Fprintf(connection, "GET /?%s HTTP/1.0\r\n\r\n", query.Encode())
	status, err := bufio.NewReader(connection).ReadString('\n')
	return err == nil && len(strings.Fields(status)) > 1 && strings.Fields(status)[1] == "200"
}

// inbound passes on what the judge permits. What begins with the line of an HTTP request is refused as one.
func (j Judge) inbound(client *net.TCPConn) {
	target, err := originalTarget(client)
	if err != nil {
		return
	}
	reader := bufio.NewReader(client)
	method, path := detect(client, reader)
	source := client.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().String()
	if !j.permits(target.Port(), source, method, path) {
		if method != "" {
			refusal := "HTTP/1.1 403 Forbidden\r\nl5d-proxy-error: unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
			_, _ = client.Write([]byte(refusal))
		}
		return
	}
	pass(client, reader, target)
}

// outbound passes on everything.
func outbound(client *net.TCPConn) {
	if target, err := originalTarget(client); err == nil {
		pass(client, client, target)
	}
}

// detect returns the method and path of an HTTP/1 request without taking it from the reader, or nothing.
func detect(client *net.TCPConn, reader *bufio.Reader) (string, string) {
	_ = client.SetReadDeadline(time.Now().Add(detectTimeout))
	defer client.SetReadDeadline(time.Time{})
	for wanted := 1; wanted <= reader.Size(); {
		_, err := reader.Peek(wanted)
		text, _ := reader.Peek(reader.Buffered())
		if line, _, whole := strings.Cut(string(text), "\r\n"); whole {
			words := strings.Fields(line)
			if len(words) == 3 && strings.HasPrefix(words[2], "HTTP/1.") {
				path, _, _ := strings.Cut(words[1], "?")
				return words[0], path
			}
			return "", ""
		}
		if err != nil {
			return "", ""
		}
		wanted = reader.Buffered() + 1
	}
	return "", ""
}

// pass copies both ways until both sides have said all.
func pass(client *net.TCPConn, from io.Reader, target netip.AddrPort) {
	connection, err := net.DialTimeout("tcp", target.String(), dialTimeout)
	if err != nil {
		return
	}
	defer connection.Close()
	server := connection.(*net.TCPConn)
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(server, from)
		_ = server.CloseWrite()
		close(done)
	}()
	_, err = io.Copy(client, server)
	if err != nil {
		return
	}
	_ = client.CloseWrite()
	<-done
}

// originalTarget returns where a redirected connection was going.
func originalTarget(connection *net.TCPConn) (netip.AddrPort, error) {
	const soOriginalDst = 80
	raw, err := connection.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var found *syscall.IPv6Mreq
	var failed error
	err = raw.Control(func(descriptor uintptr) {
		// Any call that returns at least the 8 bytes of a sockaddr_in that matter does.
		found, failed = syscall.GetsockoptIPv6Mreq(int(descriptor), syscall.IPPROTO_IP, soOriginalDst)
	})
	if err != nil || failed != nil {
		return netip.AddrPort{}, fmt.Errorf("not redirected: %v %v", err, failed)
	}
	port := binary.BigEndian.Uint16(found.Multiaddr[2:4])
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(found.Multiaddr[4:8])), port), nil
}

package main

import (
	"flag"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// redirect makes the rules that lead a pod's connections to its proxy, with the arguments that the injector gives.
func redirect() error {
	incoming := flag.Uint("incoming-proxy-port", 4143, "where connections from outside go")
	outgoing := flag.Uint("outgoing-proxy-port", 4140, "where the pod's own connections go")
	uid := flag.Uint("proxy-uid", 2102, "whose own connections go where they want")
	ignoredIn := flag.String("inbound-ports-to-ignore", "", "ports that connections from outside reach themselves")
	ignoredOut := flag.String("outbound-ports-to-ignore", "", "ports that the pod's own connections reach themselves")
	flag.Parse()

	conn, err := nftables.New()
	if err != nil {
		return err
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "linkerd"})
	chain := func(name string, hook *nftables.ChainHook) func(...[]expr.Any) {
		added := conn.AddChain(&nftables.Chain{
			Name: name, Table: table, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: nftables.ChainPriorityNATDest,
		})
		return func(parts ...[]expr.Any) {
			rule := &nftables.Rule{Table: table, Chain: added}
			for _, part := range parts {
				rule.Exprs = append(rule.Exprs, part...)
			}
			conn.AddRule(rule)
		}
	}

	in := chain("in", nftables.ChainHookPrerouting)
	for _, port := range ports(*ignoredIn) {
		in(toPort(port), accept())
	}
	in(tcp(), to(*incoming))

	out := chain("out", nftables.ChainHookOutput)
	out(meta(expr.MetaKeySKUID, binaryutil.NativeEndian.PutUint32(uint32(*uid))), accept())
	out(meta(expr.MetaKeyOIFNAME, append([]byte("lo"), make([]byte, unix.IFNAMSIZ-2)...)), accept())
	for _, port := range ports(*ignoredOut) {
		out(toPort(port), accept())
	}
	out(tcp(), to(*outgoing))
	return conn.Flush()
}

func ports(list string) []uint16 {
	var found []uint16
	for _, text := range strings.Split(list, ",") {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil {
			found = append(found, uint16(port))
		}
	}
	return found
}

func meta(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: value}}
}

func tcp() []expr.Any {
	return meta(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_TCP})
}

func toPort(port uint16) []expr.Any {
	return append(
		tcp(),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
	)
}

func accept() []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
}

func to(port uint) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(uint16(port))},
		&expr.Redir{RegisterProtoMin: 1},
	}
}
